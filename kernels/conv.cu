#include "tiles.hpp"

namespace dropnet::kernels {

namespace {

constexpr int run = 4;  ///< outputs in a row that one thread computes

/// What both kernels bring to shared memory: rows of some channels of an image with the zeros around it, [channel][row][column].
struct Input {
  int channels, height, width;  ///< of an image
  int pad_rows, pad_columns;
  int rows, columns, pitch, plane;  ///< of what is brought
  int lanes;                        ///< threads along a row, a power of two
  const float* x;
  DROPNET_DEVICE void load(unsigned thread, unsigned threads, int image, int channel, int count, int row, float* to) const {
    const int step = int(threads) / lanes, first = int(thread) / lanes, lane = int(thread) % lanes;
    if (first >= step) return;
    const float* const from = x + std::size_t(image) * unsigned(channels) * unsigned(height) * unsigned(width);
    for (int c = first / rows, r = first % rows; c < count;) {
      const int y = row + r - pad_rows;
      const bool there = channel + c < channels && unsigned(y) < unsigned(height);
      const float* const line = from + (std::ptrdiff_t(channel + c) * height + y) * width;
      for (int i = lane; i < columns; i += lanes) {
        const bool inside = there && unsigned(i - pad_columns) < unsigned(width);
        copy_ahead(to + c * plane + r * pitch + i, inside ? line + (i - pad_columns) : x, inside);
      }
      c += step / rows;
      r += step % rows;
      if (r >= rows) r -= rows, ++c;
    }
  }
};

/// The 4 + Kernel - 1 inputs that a run in a row is computed from.
template <int Kernel>
DROPNET_DEVICE void read_run(const float* from, float* to) {
  read_4(from, to);
  if constexpr (Kernel == 3)
    read_2(from + 4, to + 4);
  else
    read_4(from + 4, to + 4);
}

/// A thread's outputs: Filters filters of a run in each of two rows. A group goes over the runs of a pair of rows, over
/// pairs, over groups of filters; splits take the channels in turn; a stage is some channels.
template <int Kernel, int Filters>
struct Forward {
  [[maybe_unused]] static constexpr unsigned most_threads = 512;
  static constexpr int sums = Filters * 2 * run;
  static constexpr int taps = Kernel * Kernel;
  static constexpr int row_pack = (Kernel * Filters + 3) / 4 * 4;
  Team team;
  Convolution at;
  ConvTile tile;
  Input in;
  int inputs, pack;
  int row_runs, row_tiles, filter_tiles;
  const float *w, *bias;
  float* y;

  DROPNET_DEVICE int stages(unsigned) const { return (at.channels + tile.channels - 1) / tile.channels; }
  DROPNET_DEVICE int image(unsigned block) const { return int(block) / (filter_tiles * row_tiles); }
  DROPNET_DEVICE int first_row(unsigned block) const { return int(block) / filter_tiles % row_tiles * tile.rows; }
  DROPNET_DEVICE int first_filter(unsigned block) const { return int(block) % filter_tiles * (tile.groups * Filters); }

  DROPNET_DEVICE void load(unsigned block, unsigned thread, int stage, float* shared) const {
    const int channel = stage * tile.channels, filter = first_filter(block), filters = tile.groups * Filters;
    in.load(thread, team.threads(), image(block), channel, tile.channels, first_row(block), shared);
    // Weights as [channel][group][kernel row][kernel column][filter], rows filled up to multiples of 4.
    for (int i = int(thread); i < filters * tile.channels; i += int(team.threads())) {
      // Neighbours read neighbours.
      const int f = at.turned ? i % filters : i / tile.channels, c = at.turned ? i / filters : i % tile.channels;
      const bool there = filter + f < at.filters && channel + c < at.channels;
      const std::size_t pair = at.turned ? std::size_t(channel + c) * unsigned(at.filters) + unsigned(filter + f)
                                         : std::size_t(filter + f) * unsigned(at.channels) + unsigned(channel + c);
      const float* const from = there ? w + pair * taps : w;
      float* const to = shared + inputs + c * pack + f / Filters * (Kernel * row_pack) + f % Filters;
      DROPNET_UNROLL
      for (int t = 0; t < taps; ++t) copy_ahead(to + t / Kernel * row_pack + t % Kernel * Filters, from + (at.turned ? taps - 1 - t : t), there);
    }
  }
  DROPNET_DEVICE void compute(unsigned, unsigned thread, int stage, const float* shared, float* sum) const {
    const int split = int(thread) / team.group, place = int(thread) % team.group;
    const int runs = tile.rows / 2 * row_runs, at_run = place % runs, row = at_run / row_runs * 2, column = at_run % row_runs * run;
    const int left = at.channels - stage * tile.channels, here = left < tile.channels ? left : tile.channels;
    if (split >= tile.splits) return;
    const float* from = shared + split * in.plane + row * in.pitch + column;
    const float* weights = shared + inputs + split * pack + place / runs * (Kernel * row_pack);
    for (int c = split; c < here; c += tile.splits, from += tile.splits * in.plane, weights += tile.splits * pack) {
      alignas(16) float v[2][8];
      read_run<Kernel>(from, v[0]);
      DROPNET_UNROLL
      for (int r = 0; r < Kernel; ++r) {
        alignas(16) float k[row_pack];
        read_run<Kernel>(from + (r + 1) * in.pitch, v[(r + 1) % 2]);
        DROPNET_UNROLL
        for (int i = 0; i < row_pack; i += 4) read_4(weights + r * row_pack + i, k + i);
        DROPNET_UNROLL
        for (int s = 0; s < Kernel; ++s)
          DROPNET_UNROLL
          for (int f = 0; f < Filters; ++f)
            DROPNET_UNROLL
            for (int j = 0; j < 2 * run; ++j)
              sum[f * 2 * run + j] = fmaf(k[s * Filters + f], v[(r + j / run) % 2][s + j % run], sum[f * 2 * run + j]);
      }
    }
  }
  DROPNET_DEVICE void store(unsigned block, int place, const float* sum) const {
    const int runs = tile.rows / 2 * row_runs, at_run = place % runs;
    const int row = first_row(block) + at_run / row_runs * 2, column = at_run % row_runs * run;
    const int filter = first_filter(block) + place / runs * Filters;
    DROPNET_UNROLL
    for (int f = 0; f < Filters; ++f) {
      if (filter + f >= at.filters) break;
      const float shift = bias ? bias[filter + f] : 0.0f;
      DROPNET_UNROLL
      for (int o = 0; o < 2; ++o) {
        if (row + o >= at.out_height) break;
        float* const to = y + ((std::size_t(image(block)) * unsigned(at.filters) + unsigned(filter + f)) * unsigned(at.out_height) + unsigned(row + o)) *
                                  unsigned(at.out_width) + unsigned(column);
        alignas(16) float value[run];
        const bool whole = at.out_width % run == 0;
        if (at.add && whole) read_4(to, value);
        DROPNET_UNROLL
        for (int j = 0; j < run; ++j) {
          float mine = sum[(f * 2 + o) * run + j] + shift;
          if (at.relu && mine <= 0) mine = 0;
          if (whole) {
            value[j] = at.add ? value[j] + mine : mine;
          } else if (column + j < at.out_width) {
            to[j] = at.add ? to[j] + mine : mine;
          }
        }
        if (whole) write_4(value, to);
      }
    }
  }
};

/// A thread's outputs: the taps of one channel in Filters filters, and the bias. A group goes over the channels, then over
/// groups of filters; splits take the runs of pairs of rows in turn; a stage is some rows of an image. Each block goes
/// through every parts-th stage and writes its part of the sums.
template <int Kernel, int Filters>
struct WeightGradient {
  [[maybe_unused]] static constexpr unsigned most_threads = Kernel == 3 ? 512 : 256;
  static constexpr int taps = Kernel * Kernel;
  static constexpr int sums = Filters * (taps + 1);
  Team team;
  Convolution at;
  ConvTile tile;
  Input in;
  int inputs;
  int row_runs, row_tiles, channel_tiles;
  const float* dy;
  float* parts;

  DROPNET_DEVICE int part(unsigned block) const { return int(block) % tile.parts; }
  DROPNET_DEVICE int first_channel(unsigned block) const { return int(block) / tile.parts % channel_tiles * tile.channels; }
  DROPNET_DEVICE int first_filter(unsigned block) const { return int(block) / tile.parts / channel_tiles * (tile.groups * Filters); }
  DROPNET_DEVICE int stages(unsigned block) const { return (at.batch * row_tiles - part(block) + tile.parts - 1) / tile.parts; }

  DROPNET_DEVICE void load(unsigned block, unsigned thread, int stage, float* shared) const {
    const int number = part(block) + stage * tile.parts, image = number / row_tiles, row = number % row_tiles * tile.rows;
    in.load(thread, team.threads(), image, first_channel(block), tile.channels, row, shared);
    float* const gradients = shared + inputs;
    const int filter = first_filter(block), runs = tile.rows * row_runs;
    for (int i = int(thread); i < tile.groups * Filters * runs; i += int(team.threads())) {
      const int f = i / runs, r = i % runs / row_runs, column = i % row_runs * run;
      const bool there = filter + f < at.filters && row + r < at.out_height;
      const float* const from =
          there ? dy + ((std::size_t(image) * unsigned(at.filters) + unsigned(filter + f)) * unsigned(at.out_height) + unsigned(row + r)) *
                           unsigned(at.out_width) + unsigned(column)
                : dy;
      if (at.out_width % run == 0)
        copy_ahead_4(gradients + i * run, from, there);
      else
        for (int j = 0; j < run; ++j) {
          const bool inside = there && column + j < at.out_width;
          copy_ahead(gradients + i * run + j, inside ? from + j : dy, inside);
        }
    }
  }
  DROPNET_DEVICE void compute(unsigned block, unsigned thread, int, const float* shared, float* sum) const {
    const int split = int(thread) / team.group, place = int(thread) % team.group;
    const int c = place % tile.channels, runs = tile.rows / 2 * row_runs;
    const float* const gradients = shared + inputs + place / tile.channels * Filters * 2 * runs * run;
    const bool biased = first_channel(block) + c == 0;
    if (split >= tile.splits) return;
    for (int i = split; i < runs; i += tile.splits) {
      const int pair = i / row_runs, column = i % row_runs * run;
      alignas(16) float d[2][Filters][run];
      DROPNET_UNROLL
      for (int f = 0; f < Filters; ++f)
        DROPNET_UNROLL
        for (int o = 0; o < 2; ++o) read_4(gradients + (f * 2 * runs + (2 * pair + o) * row_runs) * run + column, d[o][f]);
      if (biased)
        DROPNET_UNROLL
        for (int f = 0; f < Filters; ++f)
          DROPNET_UNROLL
          for (int o = 0; o < 2; ++o) sum[Filters * taps + f] += (d[o][f][0] + d[o][f][1]) + (d[o][f][2] + d[o][f][3]);
      const float* const from = shared + c * in.plane + 2 * pair * in.pitch + column;
      // Row r of the inputs meets the first row of gradients in tap row r, the second one in tap row r - 1.
      DROPNET_UNROLL
      for (int r = 0; r <= Kernel; ++r) {
        alignas(16) float v[8];
        read_run<Kernel>(from + r * in.pitch, v);
        DROPNET_UNROLL
        for (int o = 0; o < 2; ++o) {
          if (r - o < 0 || r - o >= Kernel) continue;
          DROPNET_UNROLL
          for (int j = 0; j < run; ++j)
            DROPNET_UNROLL
            for (int s = 0; s < Kernel; ++s)
              DROPNET_UNROLL
              for (int f = 0; f < Filters; ++f) {
                float& to = sum[f * taps + (r - o) * Kernel + s];
                to = fmaf(d[o][f][j], v[s + j], to);
              }
        }
      }
    }
  }
  DROPNET_DEVICE void store(unsigned block, int place, const float* sum) const {
    const int channel = first_channel(block) + place % tile.channels, filter = first_filter(block) + place / tile.channels * Filters;
    if (channel >= at.channels) return;
    const std::size_t weights = std::size_t(at.filters) * unsigned(at.channels) * taps;
    float* const to = parts + std::size_t(unsigned(part(block))) * (weights + unsigned(at.filters));
    DROPNET_UNROLL
    for (int f = 0; f < Filters; ++f) {
      if (filter + f >= at.filters) break;
      DROPNET_UNROLL
      for (int t = 0; t < taps; ++t) to[(std::size_t(filter + f) * unsigned(at.channels) + unsigned(channel)) * taps + unsigned(t)] = sum[f * taps + t];
      if (channel == 0) to[weights + unsigned(filter + f)] = sum[Filters * taps + f];
    }
  }
};

/// The sums of what the blocks have written.
struct Parts {
  [[maybe_unused]] static constexpr unsigned most_threads = 256;
  static constexpr int sums = 1;
  Team team;
  std::uint32_t weights, biases;
  int count;
  const float* parts;
  float *dw, *db;
  bool add;
  DROPNET_DEVICE int stages(unsigned) const { return 1; }
  DROPNET_DEVICE void load(unsigned, unsigned, int, float*) const {}
  DROPNET_DEVICE void compute(unsigned block, unsigned thread, int, const float*, float* sum) const {
    const std::uint32_t i = block * unsigned(team.group) + thread % unsigned(team.group);
    if (i >= weights + biases) return;
    for (int p = int(thread) / team.group; p < count; p += team.splits) *sum += parts[std::size_t(unsigned(p)) * (weights + biases) + i];
  }
  DROPNET_DEVICE void store(unsigned block, int place, const float* sum) const {
    const std::uint32_t i = block * unsigned(team.group) + unsigned(place);
    if (i < weights)
      dw[i] = add ? dw[i] + *sum : *sum;
    else if (i < weights + biases && db)
      db[i - weights] = add ? db[i - weights] + *sum : *sum;
  }
};

constexpr int over(int a, int b) { return (a + b - 1) / b; }

Input input(const Convolution& at, const ConvMemory& memory, const float* x) {
  int lanes = 1;
  while (lanes < memory.columns && lanes < 32) lanes *= 2;
  return {at.channels, at.height, at.width, at.pad_rows, at.pad_columns, memory.rows, memory.columns, memory.pitch, memory.plane, lanes, x};
}

template <int Kernel, int Filters>
void forward(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* w, const float* bias, float* y) {
  const ConvMemory memory(at, tile);
  const int row_runs = over(at.out_width, run), row_tiles = over(at.out_height, tile.rows), filter_tiles = over(at.filters, tile.groups * Filters);
  const Team team{std::uint32_t(at.batch * row_tiles * filter_tiles), tile.rows / 2 * row_runs * tile.groups, tile.splits, memory.forward()};
  tiles(s, over(at.channels, tile.channels), Forward<Kernel, Filters>{team, at, tile, input(at, memory, x), memory.inputs, memory.pack, row_runs,
                                                                      row_tiles, filter_tiles, w, bias, y});
}

template <int Kernel, int Filters>
void weight_gradient(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* dy, float* parts) {
  const ConvMemory memory(at, tile);
  const int row_runs = over(at.out_width, run), row_tiles = over(at.out_height, tile.rows);
  const int channel_tiles = over(at.channels, tile.channels), filter_tiles = over(at.filters, tile.groups * Filters);
  const Team team{std::uint32_t(tile.parts * channel_tiles * filter_tiles), tile.channels * tile.groups, tile.splits, memory.weight_gradient()};
  tiles(s, over(at.batch * row_tiles, tile.parts), WeightGradient<Kernel, Filters>{team, at, tile, input(at, memory, x), memory.inputs, row_runs, row_tiles,
                                                                                   channel_tiles, dy, parts});
}

}  // namespace

void conv_forward(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* w, const float* bias, float* y) {
  const auto go = at.kernel == 3 ? (tile.filters == 4 ? forward<3, 4> : forward<3, 5>) : (tile.filters == 4 ? forward<5, 4> : forward<5, 5>);
  go(s, at, tile, x, w, bias, y);
}

std::size_t conv_parts(const Convolution& at, const ConvTile& tile) {
  return std::size_t(unsigned(tile.parts)) * (std::size_t(unsigned(at.filters * at.channels)) * unsigned(at.kernel * at.kernel) + unsigned(at.filters));
}
void conv_weight_gradient(Stream s, const Convolution& at, const ConvTile& tile, const float* x, const float* dy, float* dw, float* db, float* parts) {
  const auto go = at.kernel == 3 ? (tile.filters == 4 ? weight_gradient<3, 4> : weight_gradient<3, 5>) : weight_gradient<5, 4>;
  go(s, at, tile, x, dy, parts);
  const auto weights = std::uint32_t(at.filters * at.channels * at.kernel * at.kernel), biases = std::uint32_t(at.filters);
  const Team team{(weights + biases + 31) / 32, 32, 8, 0};
  tiles(s, 1, Parts{team, weights, biases, tile.parts, parts, dw, db, at.add});
}

}  // namespace dropnet::kernels
