#include "conv.hpp"

namespace dropnet::kernels {

namespace {

/// Rows: pixels of some rows of an image; columns: filters; terms: a tap of eight channels at a time, or two of four. A stage is some
/// channels. Warps lie along the pixels; splits take the rows of taps of each eight channels in turn.
template <int Kernel, bool Turned, int Rows, int Columns, bool Exact>
struct Forward {
  using Tiles = kernels::Tiles<Rows, Columns, Exact, block_threads(Rows, Columns)>;
  static constexpr int taps = Kernel * Kernel;
  Team team;
  Convolution at;
  ConvTile tile;
  Input in;
  int inputs, pitch;  ///< of the weights
  int row_tiles, filter_tiles, stage_count;
  Quotient by_tiles, by_filter_tiles, by_width, by_count;
  int count;  ///< copies of a row of weights
  const float *w, *bias;
  float* y;

  struct Lane {
    int pixel[Rows * 2], weight;
  };
  DROPNET_DEVICE int stages(unsigned) const { return stage_count; }
  DROPNET_DEVICE int image(unsigned block) const { return by_tiles(int(block)); }
  DROPNET_DEVICE int tile_of(unsigned block) const { return int(block) - image(block) * row_tiles * filter_tiles; }
  DROPNET_DEVICE int first_row(unsigned block) const { return by_filter_tiles(tile_of(block)) * tile.rows; }
  DROPNET_DEVICE int first_filter(unsigned block) const { return (tile_of(block) - by_filter_tiles(tile_of(block)) * filter_tiles) * (Columns * 8); }
  DROPNET_DEVICE int quads(int stage) const {
    const int left = at.channels - stage * tile.channels;
    return ceil_div(left < tile.channels ? left : tile.channels, 4);
  }

  DROPNET_DEVICE void clear(unsigned thread, float* shared) const {
    for (int i = int(thread) * 4; i < inputs; i += int(team.threads()) * 4) fill_4(shared + i);
  }
  DROPNET_DEVICE void load(unsigned block, unsigned thread, int stage, float* shared) const {
    const int channel = stage * tile.channels, filter = first_filter(block), here = quads(stage) * 4;
    in.load(thread, team.threads(), image(block), channel, here, first_row(block), shared);
    const int channels = at.channels - channel, filters = at.filters - filter;
    // Rows are filters, of all taps of the channels; or channels, of all taps of the filters.
    const float* const from = Turned ? w + (std::size_t(unsigned(channel)) * unsigned(at.filters) + unsigned(filter)) * unsigned(taps)
                                     : w + (std::size_t(unsigned(filter)) * unsigned(at.channels) + unsigned(channel)) * unsigned(taps);
    const unsigned from_pitch = unsigned(Turned ? at.filters : at.channels) * unsigned(taps);
    const int lines = Turned ? here : Columns * 8, there = Turned ? channels : filters, long_there = (Turned ? filters : channels) * taps;
    float* const to = shared + inputs;
    load_rows(tile.piece, thread, team.threads(), lines, count, by_count, from, from_pitch, there, long_there, to, pitch);
  }
  DROPNET_DEVICE Lane lane(unsigned, int warp, unsigned lane) const {
    Lane at_lane;
    const int term = int(lane) % 4, group = int(lane) / 4, pixels = tile.rows * at.out_width;
    DROPNET_UNROLL
    for (int i = 0; i < Rows * 2; ++i) {
      int pixel = warp * Rows * 16 + i * 8 + group;
      if (pixel >= pixels) pixel = 0;
      const int row = by_width(pixel);
      at_lane.pixel[i] = row * in.pitch + pixel - row * at.out_width + term * in.plane + in.left - at.pad_columns;
    }
    at_lane.weight = inputs + (Turned ? term * pitch + group * taps : term * taps + group * pitch);
    return at_lane;
  }
  /// A row of taps: one by one, of eight channels; or two at a time, of four.
  template <bool Eight, class Sums>
  DROPNET_DEVICE void row(const Lane& lane, int quad, int r, const float* shared, Sums& to) const {
    const int x = quad * 4 * in.plane + r * in.pitch, across = 8 * (Turned ? taps : pitch), next = 4 * (Turned ? pitch : taps);
    const int k = lane.weight + quad * next + (Turned ? taps - 1 - r * Kernel : r * Kernel);
    DROPNET_UNROLL
    for (int step = 0; step < row_steps(Kernel, Eight); ++step) {
      float a[Rows * 4] = {}, b[Columns * 2] = {};
      DROPNET_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int tap = Eight ? step : step * 2 + half, four = Eight ? half : 0;
        if (tap == Kernel) continue;
        DROPNET_UNROLL
        for (int i = 0; i < Rows * 2; ++i) a[i / 2 * 4 + i % 2 + 2 * half] = shared[x + lane.pixel[i] + four * 4 * in.plane + tap];
        DROPNET_UNROLL
        for (int j = 0; j < Columns; ++j) b[j * 2 + half] = shared[k + j * across + four * next + (Turned ? -tap : tap)];
      }
      to.add(a, b);
    }
    to.gather();
  }
  template <class Sums>
  DROPNET_DEVICE void compute(const Lane& lane, int stage, int split, const float* shared, Sums& to) const {
    const int all = quads(stage), whole = all / 2 * Kernel;
    int i = split;
    for (; i < whole; i += team.splits) row<true>(lane, i / Kernel * 2, i % Kernel, shared, to);
    if (all % 2)
      for (; i < whole + Kernel; i += team.splits) row<false>(lane, all - 1, i % Kernel, shared, to);
  }
  DROPNET_DEVICE void store(unsigned block, int warp, unsigned lane, const float* sums) const {
    const int plane = at.out_height * at.out_width, start = first_row(block) * at.out_width;
    const int pixels = tile.rows * at.out_width < plane - start ? tile.rows * at.out_width : plane - start;
    const int filter = first_filter(block) + int(lane) % 4 * 2, pixel = warp * Rows * 16 + int(lane) / 4;
    float* const to = y + (std::size_t(unsigned(image(block))) * unsigned(at.filters) + unsigned(filter)) * unsigned(plane) + unsigned(start + pixel);
    DROPNET_UNROLL
    for (int j = 0; j < Columns; ++j)
      DROPNET_UNROLL
      for (int k = 0; k < 2; ++k) {
        const int f = filter + j * 8 + k;
        if (f >= at.filters) continue;
        const float shift = bias ? bias[f] : 0.0f;
        float* const line = to + (j * 8 + k) * plane;
        DROPNET_UNROLL
        for (int i = 0; i < Rows * 2; ++i) {
          float value = sums[(i / 2 * Columns + j) * 4 + i % 2 * 2 + k] + shift;
          if (at.relu && value <= 0) value = 0;
          if (pixel + i * 8 < pixels) line[i * 8] = at.add ? line[i * 8] + value : value;
        }
      }
  }
};

template <int Kernel, bool Turned, int Rows, int Columns, bool Exact>
void forward(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* w, const float* bias, float* y) {
  const ConvMemory m = ConvMemory::forward(at, tile);
  const int row_tiles = ceil_div(at.out_height, tile.rows), filter_tiles = ceil_div(at.filters, Columns * 8), stages = ceil_div(at.channels, tile.channels);
  const int count = m.line / tile.piece;
  const Team team{std::uint32_t(at.batch * row_tiles * filter_tiles), conv_warps(at, tile), tile.splits, m.stage(), std::min(stages, 2)};
  products(s, Forward<Kernel, Turned, Rows, Columns, Exact>{team, at, tile,
                                                                    input(at.channels, at.height, at.width, at.pad_rows, m.rows, m.left, m.pitch, m.plane, x),
                                                                    m.inputs, m.other_pitch, row_tiles, filter_tiles, stages,
                                                                    Quotient(row_tiles * filter_tiles), Quotient(filter_tiles), Quotient(at.out_width),
                                                                    Quotient(count), count, w, bias, y});
}

}  // namespace

void conv_forward(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* w, const float* bias, float* y) {
  with_tile(at, tile, [&](auto m, auto n, auto exact) {
    const auto go = at.kernel == 3 ? (at.turned ? forward<3, true, m, n, exact> : forward<3, false, m, n, exact>)
                                   : (at.turned ? forward<5, true, m, n, exact> : forward<5, false, m, n, exact>);
    go(s, at, tile, x, w, bias, y);
  });
}

}  // namespace dropnet::kernels
