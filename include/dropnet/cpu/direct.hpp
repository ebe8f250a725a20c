#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "dropnet/core/extent.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/conv_planes.hpp"
#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/sums.hpp"

namespace dropnet::direct {

// Convolution without copying patches: whole vector registers of pixels are computed at once out of planes in which each
// weight meets all of its pixels at one distance (detail::Planes), whatever the width.

using detail::ceil_div;
using detail::Planes;

/// How many of `channels` to compute at once, at most `most`: the fewest blocks, evenly filled.
constexpr int block_of(int channels, int most) { return ceil_div(channels, ceil_div(channels, most)); }

/// Taps of one row of the kernel that meet pixels a step apart.
struct Run {
  std::ptrdiff_t offset;
  int count, step;
};
/// The taps of the forward pass: in each row one run for each phase of the columns. Either stride or dilation is 1.
template <class T, class W>
struct ForwardTaps {
  using X = Planes<T, W>;
  static constexpr int rows = W::kernel.height, runs = std::min(W::stride.width, W::kernel.width);
  static constexpr std::ptrdiff_t plane = X::plane;
  static constexpr std::ptrdiff_t row(int r) { return X::of_row(r); }
  static constexpr Run run(int i) { return {X::of_column(i), ceil_div(W::kernel.width - i, W::stride.width), W::dilation.width}; }
  static constexpr int ky(int r) { return r; }
  static constexpr int kx(int run, int j) { return run + j * W::stride.width; }
};
/// The gradients of the outputs, at the inputs' pitch and zero between rows, before the first and behind the last: an input pixel of
/// a phase meets them at the negative of the distance at which the output meets it.
template <class T, class W>
struct OutputGradients {
  using X = Planes<T, W>;
  using Out = typename W::out;
  static constexpr std::ptrdiff_t lead =
      (W::kernel.height - 1) * W::dilation.height / W::stride.height * X::pitch + (W::kernel.width - 1) * W::dilation.width / W::stride.width;
  /// Rows of a phase, of which some have one less.
  static constexpr int rows_of(int py) { return py < W::stride.height ? std::max(X::end_row(py) - X::begin_row(py), rows_of(py + 1)) : 0; }
  static constexpr int vectors = ceil_div(rows_of(0) * X::pitch, lanes::width<T>);
  static constexpr std::ptrdiff_t plane = lead + std::max(std::ptrdiff_t(Out::height) * X::pitch, std::ptrdiff_t(X::begin_row(0)) * X::pitch + vectors * lanes::width<T>);
  static constexpr std::size_t memory = padded(std::size_t(plane) * Out::channels);
};
/// The taps by which gradients of outputs come to one phase of the inputs.
template <class T, class W, int Py, int Px>
struct BackwardTaps {
  using X = Planes<T, W>;
  static constexpr int rows = ceil_div(W::kernel.height - Py, W::stride.height), runs = Px < W::kernel.width;
  static constexpr std::ptrdiff_t plane = OutputGradients<T, W>::plane;
  static constexpr std::ptrdiff_t row(int r) { return -std::ptrdiff_t(r) * W::dilation.height * X::pitch; }
  static constexpr Run run(int) { return {0, ceil_div(W::kernel.width - Px, W::stride.width), -W::dilation.width}; }
  static constexpr int ky(int r) { return Py + r * W::stride.height; }
  static constexpr int kx(int, int j) { return Px + j * W::stride.width; }
};

/// Sums over the taps of C planes, for F planes: forward, and a phase of the input's gradient.
template <class T, int C, int F, int Vectors, class Taps>
struct Correlate {
  // B channels x V vectors of sums, V inputs and one weight have to stay in registers.
  static constexpr int most_vectors = lanes::registers >= 32 ? 4 : 2;
  static constexpr int most_channels = 5;
  static constexpr int B = F % 5 == 0 ? 5 : F % 4 == 0 ? 4 : block_of(F, most_channels);
  static constexpr int blocks = ceil_div(F, B);
  static constexpr int V = block_of(Vectors, most_vectors);
  static constexpr int full_tiles = Vectors / V;
  static constexpr int rest = Vectors % V;
  static constexpr int out_plane = Vectors * lanes::width<T>;
  /// Calls visit(ky, kx) for each tap.
  template <class Visit>
  static constexpr void each_tap(Visit visit) {
    for (int r = 0; r < Taps::rows; ++r)
      for (int run = 0; run < Taps::runs; ++run)
        for (int j = 0; j < Taps::run(run).count; ++j) visit(Taps::ky(r), Taps::kx(run, j));
  }
  static constexpr std::size_t of_channel = [] {
    std::size_t count = 0;
    each_tap([&](int, int) { count += B; });
    return count;
  }();
  static constexpr std::size_t packed_block = of_channel * C, packed = packed_block * blocks;
  static constexpr std::size_t out_size = std::size_t(blocks) * B * out_plane;

  /// weight(f, c, ky, kx) gives the value; packed as [block][channel][tap][filter in block].
  template <class WeightOf>
  static void pack(WeightOf weight, T* to, int first_block = 0) {
    to += std::size_t(first_block) * packed_block;
    for (int block = first_block; block < blocks; ++block)
      for (int c = 0; c < C; ++c)
        each_tap([&](int ky, int kx) {
          for (int f = block * B; f < (block + 1) * B; ++f) *to++ = f < F ? weight(f, c, ky, kx) : T(0);
        });
  }

  /// x: the first output's pixel of the first plane. y: out_size scalars, plane f at f out_plane. Blocks of outputs before the first one
  /// are left open, inputs before the first one passed over.
  static void run(const T* x, const T* w, T* y, int first_block = 0, int first_channel = 0) {
    constexpr int L = lanes::width<T>;
    x += first_channel * Taps::plane;
    w += std::size_t(first_channel) * of_channel;
    const auto one = [&](int block, int t) {
      const T* from = x + t * V * L;
      const T* weights = w + std::size_t(block) * packed_block;
      T* to = y + std::size_t(block) * B * out_plane + t * V * L;
      if (t < full_tiles) {
        tile<V>(from, weights, to, first_channel);
      } else if constexpr (rest > 0) {
        tile<rest>(from, weights, to, first_channel);
      }
    };
    constexpr int tiles = full_tiles + (rest > 0);
    // The greater of the two stays in the nearest cache while the smaller is gone through again.
    if constexpr (std::size_t(Taps::plane) * C > packed) {
      for (int t = 0; t < tiles; ++t)
        for (int block = first_block; block < blocks; ++block) one(block, t);
    } else {
      for (int block = first_block; block < blocks; ++block)
        for (int t = 0; t < tiles; ++t) one(block, t);
    }
  }

 private:
  template <int Across>
  static void tile(const T* x, const T* w, T* y, int first_channel) {
    lanes::Sums<T, B, Across> sums;
    for (int c = first_channel; c < C; ++c, x += Taps::plane)
      for (int r = 0; r < Taps::rows; ++r) add_runs<0>(sums, w, x + Taps::row(r));
    sums.store_to(y, out_plane);
  }
  template <int I, class Sums>
  static EIGEN_ALWAYS_INLINE void add_runs(Sums& sums, const T*& w, const T* x) {
    if constexpr (I < Taps::runs) {
      constexpr Run run = Taps::run(I);
      sums.add(run.count, w, 1, B, x + run.offset, run.step);
      w += run.count * B;
      add_runs<I + 1>(sums, w, x);
    }
  }
};

/// The weights' gradient: dW[f][c][ky][kx] = sum over samples and pixels i of dy[f][i] x[c][i + of_row(ky) + of_column(kx)].
template <class T, class W>
struct Gradient {
  using X = Planes<T, W>;
  using Out = typename W::out;
  static constexpr int C = W::in::channels, F = Out::channels, K = W::kernel.width, rows = W::kernel.height;
  static constexpr int out_plane = X::vectors * lanes::width<T>;
  // B x K sums, B gradients and one input have to stay in registers.
  static constexpr int most_channels = std::max(1, (lanes::registers - 1) / (K + 1));
  static constexpr int B = F % 5 == 0 && most_channels >= 5 ? 5 : block_of(F, most_channels);
  static constexpr int blocks = ceil_div(F, B);
  static constexpr int samples = 8;  ///< that a call of run takes
  static constexpr std::size_t dy_size = std::size_t(blocks) * B * out_plane;
  /// Samples whose dy, for one block, stays in the nearest cache while all its inputs go by.
  static constexpr int group = std::clamp(int(16384 / (sizeof(T) * B * out_plane)), 1, samples);
  /// Sums of a block, not yet added up across lanes, between one group and the next.
  static constexpr std::size_t sums_size = std::size_t(C) * rows * B * K * lanes::width<T>;
  static constexpr std::size_t scratch = samples * (X::memory + dy_size) + sums_size;

  /// Adds to dw the gradient of up to `samples` samples: x as planes, dy at their pitch, one sample behind the other.
  static void run(int count, const T* x, const T* dy, T* between, T* dw, int first_block = 0) {
    for (int block = first_block; block < blocks; ++block)
      for (int from = 0; from < count; from += group)
        for (int c = 0; c < C; ++c)
          for (int ky = 0; ky < rows; ++ky)
            tile(std::min(group, count - from), from == 0, from + group >= count,
                 x + std::size_t(from) * X::memory + c * X::plane + X::of_row(ky),
                 dy + std::size_t(from) * dy_size + std::size_t(block) * B * out_plane,
                 between + (c * rows + ky) * B * K * lanes::width<T>,
                 dw + ((std::ptrdiff_t(block) * B * C + c) * rows + ky) * K, std::min(B, F - block * B));
  }

 private:
  /// B x K sums over some samples, from zero or from where the last group left them, to there or to dw.
  static void tile(int count, bool first, bool last, const T* x, const T* dy, T* between, T* dw, int filters) {
    using Packet = lanes::Packet<T>;
    constexpr int L = lanes::width<T>;
    Packet sums[std::size_t(B)][std::size_t(K)];
    DROPNET_UNROLL for (int b = 0; b < B; ++b)
      DROPNET_UNROLL for (int kx = 0; kx < K; ++kx) sums[b][kx] = first ? lanes::all(T(0)) : lanes::load(between + (b * K + kx) * L);
    for (int n = 0; n < count; ++n, x += X::memory, dy += dy_size)
      for (int i = 0; i < out_plane; i += L) {
        Packet d[std::size_t(B)];
        DROPNET_UNROLL for (int b = 0; b < B; ++b) d[b] = lanes::load(dy + b * out_plane + i);
        DROPNET_UNROLL for (int kx = 0; kx < K; ++kx) {
          const Packet value = lanes::load(x + i + X::of_column(kx));
          DROPNET_UNROLL for (int b = 0; b < B; ++b) sums[b][kx] = lanes::fma(d[b], value, sums[b][kx]);
        }
      }
    DROPNET_UNROLL for (int b = 0; b < B; ++b)
      DROPNET_UNROLL for (int kx = 0; kx < K; ++kx) {
        if (!last)
          lanes::store(between + (b * K + kx) * L, sums[b][kx]);
        else if (b < filters)
          dw[std::ptrdiff_t(b) * C * rows * K + kx] += lanes::sum(sums[b][kx]);
      }
  }
};

/// Whether the direct kernels serve a window: a kernel whose sums fit the registers, and planes of which not too much is
/// padding.
template <class T, class W>
constexpr bool serves() {
  constexpr auto either = [](int stride, int dilation) { return stride == 1 || dilation == 1; };
  if constexpr (W::taps == 1 || W::kernel.width > 7 || !either(W::stride.height, W::dilation.height) || !either(W::stride.width, W::dilation.width)) {
    return false;
  } else {
    using X = Planes<T, W>;
    constexpr int L = lanes::width<T>, phases = W::stride.height * W::stride.width;
    return 5 * int(W::out::plane) >= 2 * X::vectors * L && 5 * int(W::in::plane) >= 2 * OutputGradients<T, W>::vectors * L * phases;
  }
}

}  // namespace dropnet::direct
