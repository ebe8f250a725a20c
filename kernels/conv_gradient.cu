#include "conv.hpp"

namespace dropnet::kernels {

namespace {

/// Rows: taps of some channels, a channel's beside the next one's, and a row of ones for the bias; columns: filters;
/// terms: eight pixels of a row at a time. A stage is some rows of an image. Each block goes through every parts-th stage
/// and writes its part of the sums, [channels' tile][row][filter].
template <int Rows, int Columns, bool Exact>
struct WeightGradient {
  using Tiles = kernels::Tiles<Rows, Columns, Exact, block_threads(Rows, Columns)>;
  Team team;
  Convolution at;
  ConvTile tile;
  Input in, gradients;
  int inputs, row_tiles, channel_tiles, filter_tiles;
  Quotient by_parts, by_filter_tiles, by_row_tiles, by_kernel, by_channels, by_eights;
  int eights;  ///< of a row of pixels
  float* parts;

  struct Lane {
    int tap[Rows * 2], gradient[Columns];  ///< in bytes: one addition gives an address
  };
  DROPNET_DEVICE int taps() const { return at.kernel * at.kernel; }
  DROPNET_DEVICE int part(unsigned block) const { return int(block) - by_parts(int(block)) * tile.parts; }
  DROPNET_DEVICE int channel_tile(unsigned block) const { return by_filter_tiles(by_parts(int(block))); }
  DROPNET_DEVICE int first_filter(unsigned block) const { return (by_parts(int(block)) - channel_tile(block) * filter_tiles) * (Columns * 8); }
  DROPNET_DEVICE int stages(unsigned block) const { return by_parts(at.batch * row_tiles - part(block) + tile.parts - 1); }

  DROPNET_DEVICE void clear(unsigned thread, float* shared) const {
    const int ones = tile.channels * in.plane;
    alignas(16) const float one[4] = {1, 1, 1, 1};
    for (int i = int(thread) * 4; i < team.stage; i += int(team.threads()) * 4)
      if (i < ones || i >= inputs)
        fill_4(shared + i);
      else
        write_4(one, shared + i);
  }
  DROPNET_DEVICE void load(unsigned block, unsigned thread, int stage, float* shared) const {
    const int number = part(block) + stage * tile.parts, image = by_row_tiles(number), row = (number - image * row_tiles) * tile.rows;
    in.load(thread, team.threads(), image, channel_tile(block) * tile.channels, tile.channels, row, shared);
    gradients.load(thread, team.threads(), image, first_filter(block), Columns * 8, row, shared + inputs);
  }
  DROPNET_DEVICE Lane lane(unsigned, int warp, unsigned lane) const {
    Lane at_lane;
    const int term = int(lane) % 4, group = int(lane) / 4;
    DROPNET_UNROLL
    for (int i = 0; i < Rows * 2; ++i) {
      const int m = (warp * Rows * 2 + i) * 8 + group;
      const int tap = by_channels(m), c = m - tap * tile.channels, row = by_kernel(tap), column = tap - row * at.kernel;
      const int place = tap < taps()                      ? c * in.plane + row * in.pitch + column + in.left - at.pad_columns
                        : m == taps() * tile.channels ? tile.channels * in.plane
                                                      : 0;
      at_lane.tap[i] = (term + place) * int(sizeof(float));
    }
    DROPNET_UNROLL
    for (int j = 0; j < Columns; ++j) at_lane.gradient[j] = (inputs + (j * 8 + group) * gradients.plane + term) * int(sizeof(float));
    return at_lane;
  }
  template <class Sums>
  DROPNET_DEVICE void compute(const Lane& lane, int, int split, const float* shared, Sums& to) const {
    const int behind_row = in.pitch - eights * 8;
    each_of_split(split, team.splits, tile.rows * eights, to, [&](int i) {
      const float *const dy = shared + i * 8, *const x = dy + by_eights(i) * behind_row;
      float a[Rows * 4], b[Columns * 2];
      DROPNET_UNROLL
      for (int half = 0; half < 2; ++half) {
        DROPNET_UNROLL
        for (int k = 0; k < Rows * 2; ++k) a[k / 2 * 4 + k % 2 + 2 * half] = behind(x, lane.tap[k])[half * 4];
        DROPNET_UNROLL
        for (int j = 0; j < Columns; ++j) b[j * 2 + half] = behind(dy, lane.gradient[j])[half * 4];
      }
      to.add(a, b);
    });
  }
  DROPNET_DEVICE void store(unsigned block, int warp, unsigned lane, const float* sums) const {
    const int all = taps() * tile.channels + 1, row_size = conv_part_row(at);
    const int filter = first_filter(block) + int(lane) % 4 * 2;
    float* const to = parts + (std::size_t(unsigned(part(block))) * unsigned(channel_tiles) + unsigned(channel_tile(block))) * unsigned(all * row_size);
    DROPNET_UNROLL
    for (int i = 0; i < Rows * 2; ++i) {
      const int m = (warp * Rows * 2 + i) * 8 + int(lane) / 4;
      if (m >= all) continue;
      DROPNET_UNROLL
      for (int j = 0; j < Columns; ++j)
        if (filter + j * 8 < at.filters) write_2(sums + (i / 2 * Columns + j) * 4 + i % 2 * 2, to + m * row_size + filter + j * 8);
    }
  }
};

/// The sums of what the blocks have written.
struct Parts {
  Convolution at;
  int channels, count;
  std::uint32_t size;  ///< of a part
  const float* parts;
  float *dw, *db;
  DROPNET_DEVICE float part(std::uint32_t i, unsigned split, unsigned splits) const {
    float sum = 0;
    if (i < size)
      for (int p = int(split); p < count; p += int(splits)) sum += parts[std::size_t(unsigned(p)) * size + i];
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t i, float sum) const {
    if (i >= size) return;
    const int row_size = conv_part_row(at), taps = at.kernel * at.kernel, all = taps * channels + 1;
    const int line = int(i) / row_size, filter = int(i) % row_size, tile = line / all, m = line % all, tap = m / channels, channel = tile * channels + m % channels;
    if (filter >= at.filters) return;
    float* to = nullptr;
    if (tap == taps)
      to = tile == 0 && db ? db + filter : nullptr;
    else if (channel < at.channels)
      to = dw + (std::size_t(unsigned(filter)) * unsigned(at.channels) + unsigned(channel)) * unsigned(taps) + unsigned(tap);
    if (to) *to = at.add ? *to + sum : sum;
  }
};

template <int Rows, int Columns, bool Exact>
void weight_gradient(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* dy, float* parts) {
  const ConvMemory m = ConvMemory::weight_gradient(at, tile);
  const int row_tiles = ceil_div(at.out_height, tile.rows), channel_tiles = ceil_div(at.channels, tile.channels);
  const int filter_tiles = ceil_div(at.filters, Columns * 8);
  const int stages = ceil_div(at.batch * row_tiles, tile.parts), eights = ceil_div(at.out_width, 8);
  const Team team{std::uint32_t(tile.parts * channel_tiles * filter_tiles), conv_gradient_warps(at, tile), tile.splits, m.stage(), std::min(stages, 2)};
  products(s, WeightGradient<Rows, Columns, Exact>{team, at, tile,
                                                           input(at.channels, at.height, at.width, at.pad_rows, m.rows, m.left, m.pitch, m.plane, x),
                                                           input(at.filters, at.out_height, at.out_width, 0, tile.rows, 0, eights * 8, m.other_pitch, dy),
                                                           m.inputs, row_tiles, channel_tiles, filter_tiles, Quotient(tile.parts), Quotient(filter_tiles),
                                                           Quotient(row_tiles), Quotient(at.kernel), Quotient(tile.channels), Quotient(eights), eights, parts});
}

}  // namespace

void conv_weight_gradient(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* dy, float* dw, float* db, float* parts) {
  with_tile(at, tile, [&](auto m, auto n, auto exact) { weight_gradient<m, n, exact>(s, at, tile, x, dy, parts); });
  const auto size = std::uint32_t(conv_part(at, tile));
  column_sums(s, size, Parts{at, tile.channels, tile.parts, size, parts, dw, db});
}

}  // namespace dropnet::kernels
