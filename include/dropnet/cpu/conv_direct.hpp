#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/extent.hpp"
#include "dropnet/core/shape.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_sums.hpp"
#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/sums.hpp"

namespace dropnet::direct {

// Convolution of stride 1 without copying patches. A sample's planes are laid out with their padding, row behind row,
// at a pitch of the padded width. Output pixel i of that flat plane is then the sum of input pixels i + ky pitch + kx,
// for all i alike: whole vector registers of pixels are computed at once, whatever the width. The few pixels at the
// end of each row that belong to no output are computed too and dropped.

constexpr int ceil_div(int a, int b) { return (a + b - 1) / b; }

/// The padded planes of an input In, of which a K x K window at stride 1 makes outputs.
template <class T, class In, int K, int Pad>
struct Planes {
  static constexpr int pitch = In::width + 2 * Pad;
  static constexpr int rows = In::height + 2 * Pad;
  static constexpr int out_height = rows - K + 1;
  static constexpr int out_width = pitch - K + 1;
  static constexpr int pixels = (out_height - 1) * pitch + out_width;   ///< flat pixels to compute
  static constexpr int vectors = ceil_div(pixels, lanes::width<T>);
  static constexpr int out_plane = vectors * lanes::width<T>;
  static constexpr std::size_t plane = std::size_t(rows) * pitch;
  /// The last vector of the last plane reads past it.
  static constexpr std::size_t size = padded(plane * In::channels + lanes::width<T>);

  /// Channels before `first` are left open.
  static void fill(const T* x, T* to, int first = 0) {
    x += std::size_t(first) * In::plane;
    to += std::size_t(first) * plane;
    for (int c = first; c < In::channels; ++c) {
      to = std::fill_n(to, Pad * pitch, T(0));
      for (int r = 0; r < In::height; ++r, x += In::width) {
        to = std::fill_n(to, Pad, T(0));
        to = std::copy_n(x, In::width, to);
        to = std::fill_n(to, Pad, T(0));
      }
      to = std::fill_n(to, Pad * pitch, T(0));
    }
    std::fill_n(to, size - plane * In::channels, T(0));
  }
};

/// How many of `channels` to compute at once, at most `most`: the fewest blocks, evenly filled.
constexpr int block_of(int channels, int most) { return ceil_div(channels, ceil_div(channels, most)); }

/// Forward, and with turned weights the input's gradient: F planes out of In's.
template <class T, class In, int F, int K, int Pad>
struct Correlate {
  using X = Planes<T, In, K, Pad>;
  // B channels x V vectors of sums, V inputs and one weight have to stay in registers.
  static constexpr int most_vectors = lanes::registers >= 32 ? 4 : 2;
  static constexpr int most_channels = 5;
  static constexpr int B = F % 5 == 0 ? 5 : F % 4 == 0 ? 4 : block_of(F, most_channels);
  static constexpr int blocks = ceil_div(F, B);
  static constexpr int V = block_of(X::vectors, most_vectors);
  static constexpr int full_tiles = X::vectors / V;
  static constexpr int rest = X::vectors % V;
  static constexpr std::size_t packed_block = std::size_t(In::channels) * K * K * B;
  static constexpr std::size_t packed = packed_block * blocks;
  static constexpr std::size_t out_size = std::size_t(blocks) * B * X::out_plane;

  /// weight(f, c, ky, kx) gives the value; packed as [block][channel][ky][kx][filter in block].
  template <class WeightOf>
  static void pack(WeightOf weight, T* to, int first_block = 0) {
    to += std::size_t(first_block) * packed_block;
    for (int block = first_block; block < blocks; ++block)
      for (int c = 0; c < In::channels; ++c)
        for (int ky = 0; ky < K; ++ky)
          for (int kx = 0; kx < K; ++kx)
            for (int f = block * B; f < (block + 1) * B; ++f) *to++ = f < F ? weight(f, c, ky, kx) : T(0);
  }

  template <int Vectors>
  static void tile(const T* x, const T* w, T* y, int first_channel) {
    lanes::Sums<T, B, Vectors> sums;
    for (int c = first_channel; c < In::channels; ++c, x += X::plane)
      for (int ky = 0; ky < K; ++ky, w += K * B) sums.template add<1>(K, w, B, x + ky * X::pitch, 1);
    sums.store_to(y, X::out_plane);
  }

  /// x: X's planes. y: out_size scalars, plane f at f out_plane, rows at X's pitch. Blocks of outputs before the first one are left
  /// open, inputs before the first one passed over.
  static void run(const T* x, const T* w, T* y, int first_block = 0, int first_channel = 0) {
    constexpr int L = lanes::width<T>;
    x += std::size_t(first_channel) * X::plane;
    w += std::size_t(first_channel) * K * K * B;
    const auto one = [&](int block, int t) {
      const T* from = x + t * V * L;
      const T* weights = w + std::size_t(block) * packed_block;
      T* to = y + std::size_t(block) * B * X::out_plane + t * V * L;
      if (t < full_tiles) {
        tile<V>(from, weights, to, first_channel);
      } else if constexpr (rest > 0) {
        tile<rest>(from, weights, to, first_channel);
      }
    };
    constexpr int tiles = full_tiles + (rest > 0);
    // The greater of the two stays in the nearest cache while the smaller is gone through again.
    if constexpr (X::size > packed) {
      for (int t = 0; t < tiles; ++t)
        for (int block = first_block; block < blocks; ++block) one(block, t);
    } else {
      for (int block = first_block; block < blocks; ++block)
        for (int t = 0; t < tiles; ++t) one(block, t);
    }
  }
};

/// The weights' gradient: dW[f][c][ky][kx] = sum over samples and pixels i of dy[f][i] x[c][i + ky pitch + kx].
template <class T, class In, int F, int K, int Pad>
struct Gradient {
  using X = Planes<T, In, K, Pad>;
  // B x K sums, B gradients and one input have to stay in registers.
  static constexpr int most_channels = std::max(1, (lanes::registers - 1) / (K + 1));
  static constexpr int B = F % 5 == 0 && most_channels >= 5 ? 5 : block_of(F, most_channels);
  static constexpr int blocks = ceil_div(F, B);
  static constexpr int samples = 8;  ///< that a call of run takes
  static constexpr std::size_t dy_size = std::size_t(blocks) * B * X::out_plane;
  /// Samples whose dy, for one block, stays in the nearest cache while all its inputs go by.
  static constexpr int group = std::clamp(int(16384 / (sizeof(T) * B * X::out_plane)), 1, samples);
  /// Sums of a block, not yet added up across lanes, between one group and the next.
  static constexpr std::size_t sums_size = std::size_t(In::channels) * K * B * K * lanes::width<T>;
  static constexpr std::size_t scratch = samples * (X::size + dy_size) + sums_size;

  /// dy laid out at X's pitch; what is no output is zero.
  static void fill(const T* dy, T* to, int first = 0) {
    dy += std::size_t(first) * X::out_height * X::out_width;
    for (int f = first; f < F; ++f) {
      T* row = to + std::size_t(f) * X::out_plane;
      for (int r = 0; r < X::out_height; ++r, dy += X::out_width) {
        std::copy_n(dy, X::out_width, row + r * X::pitch);
        if (r + 1 < X::out_height) std::fill_n(row + r * X::pitch + X::out_width, K - 1, T(0));
      }
      std::fill_n(row + X::pixels, X::out_plane - X::pixels, T(0));
    }
    std::fill_n(to + std::size_t(F) * X::out_plane, (std::size_t(blocks) * B - F) * X::out_plane, T(0));
  }

  /// Adds to dw the gradient of up to `samples` samples; x and dy as filled, one sample behind the other.
  static void run(int count, const T* x, const T* dy, T* between, T* dw, int first_block = 0) {
    for (int block = first_block; block < blocks; ++block)
      for (int from = 0; from < count; from += group)
        for (int c = 0; c < In::channels; ++c)
          for (int ky = 0; ky < K; ++ky)
            tile(std::min(group, count - from), from == 0, from + group >= count,
                 x + std::size_t(from) * X::size + std::size_t(c) * X::plane + ky * X::pitch,
                 dy + std::size_t(from) * dy_size + std::size_t(block) * B * X::out_plane,
                 between + (c * K + ky) * B * K * lanes::width<T>,
                 dw + ((std::ptrdiff_t(block) * B * In::channels + c) * K + ky) * K, std::min(B, F - block * B));
  }

 private:
  /// B x K sums over some samples, from zero or from where the last group left them, to there or to dw.
  static void tile(int count, bool first, bool last, const T* x, const T* dy, T* between, T* dw, int filters) {
    using Packet = lanes::Packet<T>;
    constexpr int L = lanes::width<T>;
    Packet sums[B][K];
    for (int b = 0; b < B; ++b)
      for (int kx = 0; kx < K; ++kx) sums[b][kx] = first ? lanes::all(T(0)) : lanes::load(between + (b * K + kx) * L);
    for (int n = 0; n < count; ++n, x += X::size, dy += dy_size)
      for (int i = 0; i < X::out_plane; i += L) {
        Packet d[B];
        for (int b = 0; b < B; ++b) d[b] = lanes::load(dy + b * X::out_plane + i);
        for (int kx = 0; kx < K; ++kx) {
          const Packet value = lanes::load(x + i + kx);
          for (int b = 0; b < B; ++b) sums[b][kx] = lanes::fma(d[b], value, sums[b][kx]);
        }
      }
    for (int b = 0; b < B; ++b)
      for (int kx = 0; kx < K; ++kx) {
        if (!last)
          lanes::store(between + (b * K + kx) * L, sums[b][kx]);
        else if (b < filters)
          dw[std::ptrdiff_t(b) * In::channels * K * K + kx] += lanes::sum(sums[b][kx]);
      }
  }
};

/// Whether the direct kernels serve a square window of stride 1: a kernel whose sums fit the registers, and a plane of
/// which not too much is padding.
template <class T, class In, int K, int Pad>
constexpr bool serves() {
  if constexpr (K > 7 || Pad >= K) {
    return false;
  } else {
    using X = Planes<T, In, K, Pad>;
    using Back = Planes<T, Image<1, X::out_height, X::out_width>, K, K - 1 - Pad>;
    return 5 * X::out_height * X::out_width >= 2 * X::out_plane && 5 * int(In::plane) >= 2 * Back::out_plane;
  }
}

}  // namespace dropnet::direct

namespace dropnet::detail {

/// Rows at a pitch become rows behind each other: to(c, r, q) = (or +=) from(c, r, q) + bias[c], at least `least`; channels before
/// the first one become zeros.
template <class Out, int OutPlane, int Pitch, class T>
void unpitch(const T* from, const T* bias, T* to, bool add, int first, T least) {
  to = std::fill_n(to, std::size_t(first) * Out::plane, T(0));
  for (int c = first; c < Out::channels; ++c) {
    const T offset = bias ? bias[c] : T(0);
    for (int r = 0; r < Out::height; ++r, to += Out::width) {
      const T* row = from + std::size_t(c) * OutPlane + r * Pitch;
      if (add)
        for (int q = 0; q < Out::width; ++q) to[q] += row[q] + offset;
      else
        for (int q = 0; q < Out::width; ++q) to[q] = std::max(row[q] + offset, least);  // NaN stays NaN
    }
  }
}

template <class W, class T>
struct DirectConv {
  static constexpr const char* name = "direct";
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int K = W::kernel.height, P = W::pad.height;
  using Forward = direct::Correlate<T, In, Out::channels, K, P>;
  using Backward = direct::Correlate<T, Out, In::channels, K, K - 1 - P>;
  using Gradient = direct::Gradient<T, In, Out::channels, K, P>;

  /// For each sample: lays out from(n), runs Kernel with packed weights, calls finish(n, rows at a pitch).
  template <class Kernel, class From, class Finish>
  static void each_sample(Cpu& cpu, int batch, const T* packed, int first_block, int first_channel, From from, Finish finish) {
    using X = typename Kernel::X;
    cpu.parallel(batch, conv_operations<W>(batch), [&](int n, int worker) {
      T* planes = cpu.scratch<T>(worker, X::size + Kernel::out_size);
      T* rows = planes + X::size;
      X::fill(from(n), planes, first_channel);
      Kernel::run(planes, packed, rows, first_block, first_channel);
      finish(n, rows);
    });
  }

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    T* packed = cpu.shared_scratch<T>(Forward::packed);
    const int first_block = y.from / Forward::B;
    Forward::pack([&](int f, int c, int ky, int kx) { return w.data[place(f, c, ky, kx)]; }, packed, first_block);
    each_sample<Forward>(
        cpu, x.batch, packed, first_block, 0, [&](int n) { return x.sample(n); },
        [&](int n, const T* rows) { unpitch<Out, Forward::X::out_plane, Forward::X::pitch>(rows, b.data, y.sample(n), false, y.from, least); });
  }

  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    T* packed = cpu.shared_scratch<T>(Backward::packed);
    Backward::pack([&](int c, int f, int ky, int kx) { return w.data[place(f, c, K - 1 - ky, K - 1 - kx)]; }, packed);
    each_sample<Backward>(
        cpu, x.batch, packed, 0, y.from, [&](int n) { return y.sample_diff(n); },
        [&](int n, const T* rows) {
          unpitch<In, Backward::X::out_plane, Backward::X::pitch>(rows, static_cast<const T*>(nullptr), x.sample_diff(n), x.add, 0, no_least<T>);
        });
  }

  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    sum_over_batch<W>(cpu, x.batch, w, b, [&](int first, int last, int worker, T* dw, T* db) {
      const int first_block = y.from / Gradient::B;
      T* xs = cpu.scratch<T>(worker, Gradient::scratch);
      T* dys = xs + Gradient::samples * Gradient::X::size;
      T* between = dys + Gradient::samples * Gradient::dy_size;
      for (int from = first; from < last; from += Gradient::samples) {
        const int count = std::min(Gradient::samples, last - from);
        for (int i = 0; i < count; ++i) {
          Gradient::X::fill(x.sample(from + i), xs + std::size_t(i) * Gradient::X::size);
          Gradient::fill(y.sample_diff(from + i), dys + std::size_t(i) * Gradient::dy_size, first_block * Gradient::B);
          add_bias_gradient<Out>(y.sample_diff(from + i), db);
        }
        Gradient::run(count, xs, dys, between, dw, first_block);
      }
    });
  }

 private:
  static constexpr std::size_t place(int f, int c, int ky, int kx) { return ((std::size_t(f) * In::channels + std::size_t(c)) * K + std::size_t(ky)) * K + std::size_t(kx); }
};

}  // namespace dropnet::detail
