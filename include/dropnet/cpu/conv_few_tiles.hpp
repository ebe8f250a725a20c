#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/cpu/conv_tiles.hpp"
#include "dropnet/cpu/sums.hpp"
#include "dropnet/cpu/winograd.hpp"

namespace dropnet::winograd {

/// What Correlate does where a part has no more tiles than half of the lanes, as a single image of a small plane has: channels and
/// filters lie in the lanes instead of tiles. Each output is the same sum of the same products, to the bit.
/// Weights are Correlate's, [point][channel][filter].
template <class T, int K>
struct FewTiles {
  using Packet = lanes::Packet<T>;
  static constexpr int L = lanes::width<T>, M = outputs, N = points(K), products = N * N;
  static constexpr int most = L / 2;
  static constexpr int most_vectors = 2, most_tiles = 4;  ///< sums in registers
  static constexpr int pixels = ceil_div(products, L) * L;
  static constexpr std::size_t window = std::size_t(L) * std::max(pixels, M * M);

  Plane in, out;
  int channels, filters, pad;
  std::size_t weight_point;  ///< scalars from one point's weights to the next
  int weight_channel;        ///< and from one channel's

  constexpr int in_vectors() const { return ceil_div(channels, L); }
  constexpr int out_vectors() const { return ceil_div(filters, L); }
  // Scalars from one point's values to the next, [point][tile][channel or filter].
  constexpr std::size_t in_point() const { return apart<T>(std::size_t(most * in_vectors()) * L); }
  constexpr std::size_t out_point() const { return apart<T>(std::size_t(most * out_vectors()) * L); }
  constexpr std::size_t scratch() const { return most > 0 ? 2 * window + products * (in_point() + out_point()) : 0; }

  static bool serves(const Part& part) { return !part.whole && part.tiles <= most; }

  DROPNET_ONCE void run(const Part& part, const T* x, const T* weights, const T* bias, T* y, T* memory, int first_filter, int first_channel, bool add, T least) const {
    const Grid grid(out);
    T* const v = memory + 2 * window;
    T* const m = v + products * in_point();
    Tile at = part.first;
    for (int t = 0; t < part.tiles; ++t, at.advance(grid)) {
      std::fill_n(memory, window, T(0));
      for (int a = first_channel / L; a < in_vectors(); ++a) transform_input(at, x + std::size_t(at.image) * in.sample, a, memory, v + std::size_t(t * in_vectors() + a) * L);
    }
    lanes::with_count<most_vectors>(even_block(out_vectors(), most_vectors), [&]<int Vectors>() {
      for (int k = 0; k < products; ++k)
        for (int t = 0; t < part.tiles; t += most_tiles)
          lanes::with_count<most_tiles>(std::min(most_tiles, part.tiles - t), [&]<int Count>() {
            multiply<Count, Vectors>(v + std::size_t(k) * in_point() + std::size_t(t * in_vectors()) * L, weights + std::size_t(k) * weight_point,
                                     m + std::size_t(k) * out_point() + std::size_t(t * out_vectors()) * L, first_filter, first_channel);
          });
    });
    at = part.first;
    for (int t = 0; t < part.tiles; ++t, at.advance(grid)) {
      for (int a = first_filter / L; a < out_vectors(); ++a)
        transform_back(at, m + std::size_t(t * out_vectors() + a) * L, bias, least, a, memory, y + std::size_t(at.image) * out.sample, first_filter, add);
    }
  }

 private:
  void transform_input(const Tile& at, const T* x, int a, T* memory, T* to) const {
    T* turned = memory + window;
    const std::size_t point = in_point();
    for (int l = 0; l < std::min(L, channels - a * L); ++l)
      at.each_row(in, N, pad, [&](int row, int column, int place, int count) {
        std::copy_n(x + std::size_t(a * L + l) * in.size() + row * in.width + column, count, memory + l * pixels + place);
      });
    for (int p = 0; p < pixels; p += L)
      lanes::transpose<T>([&](int l) { return lanes::load(memory + l * pixels + p); }, [&](int i, const Packet& pixel) { lanes::store(turned + (p + i) * L, pixel); });
    both_ways<N, N, T>([](const Line<T, N>& line) { return input<N>(line); }, [&](int r, int c) { return lanes::load(turned + (r * N + c) * L); },
                       [&](int i, int j, const Packet& p) { lanes::store(to + std::size_t(i * N + j) * point, p); });
  }

  /// At one point, for some tiles.
  template <int Count, int Vectors>
  void multiply(const T* v, const T* w, T* m, int first_filter, int first_channel) const {
    const int length = channels - first_channel, end = out_vectors() * L, row = in_vectors() * L, step = weight_channel;
    v += first_channel;
    w += std::ptrdiff_t(first_channel) * step;
    for (int f = first_filter / (Vectors * L) * (Vectors * L); f < end; f += Vectors * L) {
      lanes::Sums<T, Count, Vectors> sums;
      sums.add(length, v, row, 1, w + f, step);
      sums.store_to(m + f, end);
    }
  }

  void transform_back(const Tile& at, const T* from, const T* bias, T least, int a, T* memory, T* y, int first_filter, bool add) const {
    const int count = std::min(L, filters - a * L);
    T offsets[std::size_t(L)] = {};
    if (bias) std::copy_n(bias + a * L, count, offsets);
    const Packet offset = lanes::load(offsets);
    T* turned = memory + window;
    const std::size_t point = out_point();
    both_ways<N, M, T>([](const Line<T, N>& line) { return output<N>(line); }, [&](int i, int j) { return lanes::load(from + std::size_t(i * N + j) * point); },
                       [&](int r, int c, const Packet& p) { lanes::store(turned + (r * M + c) * L, lanes::at_least(lanes::plus(p, offset), least)); });
    for (int p = 0; p < M * M; p += L)
      lanes::transpose<T>([&](int i) { return lanes::load(turned + (p + i) * L); }, [&](int l, const Packet& row) { lanes::store(memory + l * M * M + p, row); });
    for (int l = std::max(0, first_filter - a * L); l < count; ++l)
      at.each_row(out, M, 0, [&](int row, int column, int place, int columns) {
        T* to = y + std::size_t(a * L + l) * out.size() + row * out.width + column;
        const T* value = memory + l * M * M + place;
        for (int q = 0; q < columns; ++q) to[q] = add ? to[q] + value[q] : value[q];
      });
  }
};

}  // namespace dropnet::winograd
