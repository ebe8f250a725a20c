#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_tiles.hpp"
#include "dropnet/cpu/conv_transforms.hpp"

namespace dropnet::winograd {

// What Correlate and Gradient do where a point's values for all channels and filters are too many to be kept. The batch goes through in
// parts of few tiles. Threads share a part: its channels and filters while they are transformed, then its blocks of products, each of
// which stays in the second cache from the first transform to the last.

/// Bytes of what a point has for each channel and filter, at all points.
template <class T, int Channels, int Filters, int K>
inline constexpr std::size_t of_pairs = std::size_t(Channels) * Filters * points(K) * points(K) * sizeof(T);

/// As Correlate; each output is the same sum of the same products, to the bit. Weights are transformed anew for each part.
template <class T, class In, class Out, int K, int Pad>
struct WideCorrelate {
  static constexpr int L = lanes::width<T>, N = points(K), products = N * N, C = In::channels, F = Out::channels;
  static constexpr Grid tiles = grid_of<Out>;
  static constexpr int rows = std::clamp(4 / tiles.columns, 1, tiles.rows), most = rows * tiles.columns;  ///< rows of tiles of a part, and its vectors
  static constexpr Strip<T> source{plane_of<In>, tiles, N, Pad}, target{plane_of<Out>, tiles, outputs, 0};

  static constexpr int B = lanes::registers >= 32 ? 8 : 4, most_vectors = 2;  ///< of sums in registers
  static constexpr int group = 32, channels = 32;                            ///< filters and channels of a block
  static constexpr int step = std::max(L, B);
  static_assert(group % step == 0 && step % L == 0 && step % B == 0);
  static constexpr std::size_t in_point = apart<T>(std::size_t(C) * most * L), block_point = apart<T>(std::size_t(channels) * group),
                               out_point = apart<T>(std::size_t(group) * most * L);
  static constexpr std::size_t strip = std::max(source.size(rows), target.size(rows));
  static constexpr std::size_t scratch = strip + products * (block_point + out_point);

  /// Where weights transformed once would not stay in the third cache, or are used for few tiles only.
  static constexpr bool pays = of_pairs<T, C, F, K> > (tiles.tiles() <= 4 ? 4'000'000 : 16'000'000);

  /// As Correlate's.
  static void run(Cpu& cpu, std::size_t operations, int batch, const T* x, const Kernels<T>& weights, const T* bias, T* y, int first_filter, int first_channel, bool add,
                  T least) {
    T* v = cpu.shared_scratch<T>(products * in_point);
    const Parts parts{tiles, rows, L, batch};
    for (int i = 0; i < parts.count(); ++i) {
      const Part part = parts[i];
      cpu.parallel(ceil_div(C - first_channel, channels), operations, [&](int task, int worker) {
        const int first = first_channel + task * channels;
        transform_inputs<source, N, most, in_point>(part, x, first, std::min(C, first + channels), cpu.scratch<T>(worker, scratch), v);
      });
      const int first_group = first_filter / group;
      cpu.parallel(ceil_div(F, group) - first_group, operations, [&](int task, int worker) {
        const int first = (first_group + task) * group;
        of_group(part, v, weights, bias, y, cpu.scratch<T>(worker, scratch), first, std::max(0, first_filter - first), first_channel, add, least);
      });
    }
  }

 private:
  /// The filters of a group that begins with number `filter`, from its number `from` on.
  static void of_group(const Part& part, const T* v, const Kernels<T>& weights, const T* bias, T* y, T* memory, int filter, int from, int first_channel, bool add, T least) {
    T* block = memory + strip;
    T* m = block + products * block_point;
    const int end = std::min(group, F - filter);
    for (int c = first_channel; c == first_channel || c < C; c += channels) {  // without any channel all is zero
      const int count = std::min(channels, C - c);
      for (int f = from / step * step; f < ceil_div(end, step) * step; f += L)
        for (int i = 0; i < count; ++i) transform_kernels<K, block_point>(weights, filter + f, std::clamp(end - f, 0, L), c + i, block + i * group + f);
      for (int k = 0; k < products; ++k) {
        const T* in = v + std::size_t(k) * in_point + std::size_t(c * most) * L;
        for (int f = from / B * B; f < end; f += B)
          for (int t = 0; t < part.vectors; t += most_vectors)
            lanes::with_count<most_vectors>(std::min(most_vectors, part.vectors - t), [&]<int Count>() {
              const T* w = block + std::size_t(k) * block_point + f;
              T* to = m + std::size_t(k) * out_point + std::size_t(f * most + t) * L;
              if (c == first_channel)
                multiply_tile<T, B, Count, most, group, false>(in + t * L, w, to, count);
              else
                multiply_tile<T, B, Count, most, group, true>(in + t * L, w, to, count);
            });
      }
    }
    for (int f = from; f < end; ++f)
      transform_outputs<target, N, out_point>(part, m + std::size_t(f * most) * L, bias ? bias[filter + f] : T(0), least, memory, y + std::size_t(filter + f) * Out::plane, add);
  }
};

/// As Gradient, but each part's sums are transformed back and added to dw.
template <class T, class In, class Out, int K, int Pad>
struct WideGradient {
  static constexpr int L = lanes::width<T>, N = points(K), products = N * N, C = In::channels, F = Out::channels;
  using Packet = lanes::Packet<T>;
  static constexpr Grid tiles = grid_of<Out>;
  static constexpr int rows = std::clamp(4 / tiles.columns, 1, tiles.rows), most = rows * tiles.columns;  ///< rows of tiles of a part, and its vectors
  static constexpr Strip<T> source{plane_of<In>, tiles, N, Pad}, target{plane_of<Out>, tiles, outputs, 0};

  static constexpr bool channels_in_lanes = ceil_div(C, L) * F <= ceil_div(F, L) * C;
  static constexpr int across = channels_in_lanes ? C : F, down = channels_in_lanes ? F : C;
  static constexpr int B = lanes::registers >= 32 ? 8 : 4, V = 2;  ///< of sums in registers
  static constexpr int across_group = V * L, down_group = 32;      ///< of sums in a block
  static constexpr std::size_t across_point = apart<T>(std::size_t(ceil_div(across, across_group) * across_group) * most * L),
                               down_point = apart<T>(std::size_t(ceil_div(down, down_group) * down_group) * most * L),
                               sums_point = apart<T>(std::size_t(down_group) * across_group);
  static constexpr std::size_t of_channel = channels_in_lanes ? across_point : down_point, of_filter = channels_in_lanes ? down_point : across_point;
  static constexpr std::size_t strip = std::max(source.size(rows), target.size(rows));
  static constexpr std::size_t scratch = strip + products * sums_point;

  /// Where sums for all would not stay in the second cache.
  static constexpr bool pays = of_pairs<T, C, F, K> > 4'000'000;

  /// dw and db (or, with add, what is added to them), [filter][channel][row][column] and [filter]; filters before `first_filter` are passed over.
  static void run(Cpu& cpu, std::size_t operations, int batch, const T* x, const T* dy, T* dw, bool add, T* db, int first_filter) {
    T* of_across = cpu.shared_scratch<T>(products * (across_point + down_point));
    T* of_down = of_across + products * across_point;
    if (!add) std::fill_n(dw, std::size_t(first_filter) * C * K * K, T(0));
    const Parts parts{tiles, rows, L, batch};
    for (int i = 0; i < parts.count(); ++i) {
      const Part part = parts[i];
      constexpr int of_channels = ceil_div(C, L);
      const int first_filters = first_filter / L;
      cpu.parallel(of_channels + ceil_div(F, L) - first_filters, operations, [&](int task, int worker) {
        T* memory = cpu.scratch<T>(worker, scratch);
        const bool channels = task < of_channels;
        const int first = (channels ? task : first_filters + task - of_channels) * L;
        if (channels)
          transform_inputs<source, N, most, of_channel>(part, x, first, std::min(C, first + L), memory, channels_in_lanes ? of_across : of_down);
        else
          transform_gradients<target, N, most, of_filter>(part, dy, std::max(first, first_filter), std::min(F, first + L), memory, channels_in_lanes ? of_down : of_across, db);
        if (channels == channels_in_lanes) turn(part.vectors, of_across, first);
      });
      const int first_group = channels_in_lanes ? 0 : first_filter / across_group;
      cpu.parallel(ceil_div(across, across_group) - first_group, operations, [&](int task, int worker) {
        of_group(part.vectors, of_across, of_down, cpu.scratch<T>(worker, scratch) + strip, (first_group + task) * across_group, dw, add || i > 0, first_filter);
      });
    }
  }

 private:
  /// What lies across from number `first` on: [across][tile] becomes [tile][across], square by square in its place.
  static void turn(int vectors, T* values, int first) {
    for (int k = 0; k < products; ++k)
      for (int t = 0; t < vectors; ++t) {
        T* at = values + std::size_t(k) * across_point + std::size_t(first * most + t) * L;
        lanes::transpose<T>([&](int l) { return lanes::load(at + l * most * L); }, [&](int l, const lanes::Packet<T>& row) { lanes::store(at + l * most * L, row); });
      }
  }

  /// What lies across from number `first` on, with all that lies down.
  static void of_group(int vectors, const T* of_across, const T* of_down, T* sums, int first, T* dw, bool add, int first_filter) {
    const int begin = channels_in_lanes ? first_filter / B * B : 0;
    for (int d = begin; d < down; d += down_group) {
      const int end = std::min(down_group, down - d);
      for (int k = 0; k < products; ++k)
        for (int b = 0; b < end; b += B)
          tile(vectors, of_across + std::size_t(k) * across_point + std::size_t(first * most) * L, of_down + std::size_t(k) * down_point + std::size_t((d + b) * most) * L,
               sums + std::size_t(k) * sums_point + b * across_group);
      for (int b = 0; b < end; ++b)
        for (int a = 0; a < V; ++a) finish(sums + b * across_group + a * L, d + b, first + a * L, dw, add, first_filter);
    }
  }
  static void tile(int vectors, const T* along, const T* factors, T* to) {
    lanes::Sums<T, B, V> sums;
    for (int l = 0; l < L; ++l) sums.add(vectors, factors + l, most * L, L, along + l * most * L, L, L * most * L);
    sums.store_to(to, across_group);
  }
  /// One that lies down, and as many as there are lanes that lie across.
  static void finish(const T* sums, int d, int a, T* dw, bool add, int first_filter) {
    T taps[std::size_t(K * K)][std::size_t(L)];
    both_ways<N, K, T>([](const Line<T, N>& line) { return kernel_transposed<K>(line); }, [&](int i, int j) { return lanes::load(sums + std::size_t(i * N + j) * sums_point); },
                       [&](int ky, int kx, const Packet& g) { lanes::store(taps[ky * K + kx], g); });
    for (int l = 0; l < std::min(L, across - a); ++l) {
      const int f = channels_in_lanes ? d : a + l, c = channels_in_lanes ? a + l : d;
      if (f < first_filter) continue;
      T* to = dw + (std::size_t(f) * C + std::size_t(c)) * (K * K);
      for (int tap = 0; tap < K * K; ++tap) to[tap] = add ? to[tap] + taps[tap][l] : taps[tap][l];
    }
  }
};

}  // namespace dropnet::winograd
