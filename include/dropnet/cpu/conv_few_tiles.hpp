#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/cpu/conv_tiles.hpp"
#include "dropnet/cpu/sums.hpp"
#include "dropnet/cpu/winograd.hpp"

namespace dropnet::winograd {

/// What Correlate does where a part has no more tiles than half of the lanes, as a single image of a small plane has: channels and
/// filters lie in the lanes instead of tiles. Each output is the same sum of the same products, to the bit.
/// Weights are Correlate's, [point][channel][filter], `Point` and `Filters` scalars apart.
template <class T, class In, class Out, int K, int Pad, std::size_t Point, int Filters>
struct FewTiles {
  using Packet = lanes::Packet<T>;
  static constexpr int L = lanes::width<T>, M = outputs, N = points(K), products = N * N, C = In::channels, F = Out::channels;
  using Tile = Place<T, Grid<Out>>;
  static constexpr int most = L / 2;
  static constexpr int in_vectors = ceil_div(C, L), out_vectors = ceil_div(F, L);
  static constexpr int V = even_block(out_vectors, 2), most_tiles = 4;  ///< sums in registers
  static constexpr int pixels = ceil_div(products, L) * L;
  static constexpr std::size_t in_point = apart<T>(std::size_t(most * in_vectors) * L), out_point = apart<T>(std::size_t(most * out_vectors) * L);
  static constexpr std::size_t window = std::size_t(L) * std::max(pixels, M * M);
  static constexpr std::size_t scratch = most > 0 ? 2 * window + products * (in_point + out_point) : 0;

  static bool serves(const Part& part) { return !part.whole && Tile::count(part) <= most; }

  static void run(const Part& part, const T* x, const T* weights, const T* bias, T* y, T* memory, int first_filter, int first_channel, bool add, T least) {
    const int count = Tile::count(part), first_vector = first_filter / L / V * V;
    T* v = memory + 2 * window;
    T* m = v + products * in_point;
    for (int t = 0; t < count; ++t) {
      const Tile at(part, t, Pad);
      std::fill_n(memory, window, T(0));
      for (int a = first_channel / L; a < in_vectors; ++a) transform_input(at, x + at.image * std::ptrdiff_t(In::size), a, memory, v + std::size_t(t * in_vectors + a) * L);
    }
    for (int k = 0; k < products; ++k)
      for (int t = 0; t < count; t += most_tiles)
        lanes::with_count<most_tiles>(std::min(most_tiles, count - t), [&]<int Count>() {
          for (int a = first_vector; a < out_vectors; a += V)
            multiply<Count>(v + std::size_t(k) * in_point + std::size_t(t * in_vectors) * L, weights + std::size_t(k) * Point + a * L,
                            m + std::size_t(k) * out_point + std::size_t(t * out_vectors + a) * L, first_channel);
        });
    for (int t = 0; t < count; ++t) {
      const Tile at(part, t, 0);
      T* to = y + at.image * std::ptrdiff_t(Out::size);
      for (int a = first_filter / L; a < out_vectors; ++a) transform_back(at, m + std::size_t(t * out_vectors + a) * L, bias, least, a, memory, to, first_filter, add);
    }
  }

 private:
  template <class Shape, class U>
  static U* plane(U* sample, int channel) { return sample + std::size_t(channel) * Shape::plane; }

  static void transform_input(const Tile& at, const T* x, int a, T* memory, T* to) {
    T* turned = memory + window;
    for (int l = 0; l < std::min(L, C - a * L); ++l)
      at.template each_row<In, N>([&](int row, int column, int place, int count) {
        std::copy_n(plane<In>(x, a * L + l) + row * In::width + column, count, memory + l * pixels + place);
      });
    for (int p = 0; p < pixels; p += L)
      lanes::transpose<T>([&](int l) { return lanes::load(memory + l * pixels + p); }, [&](int i, const Packet& pixel) { lanes::store(turned + (p + i) * L, pixel); });
    both_ways<N, N, T>([](const Line<T, N>& line) { return input<N>(line); }, [&](int r, int c) { return lanes::load(turned + (r * N + c) * L); },
                       [&](int i, int j, const Packet& p) { lanes::store(to + std::size_t(i * N + j) * in_point, p); });
  }

  template <int Count>
  static void multiply(const T* v, const T* w, T* m, int first_channel) {
    lanes::Sums<T, Count, V> sums;
    sums.template add<in_vectors * L>(C - first_channel, v + first_channel, 1, w + std::size_t(first_channel) * Filters, Filters);
    sums.store_to(m, out_vectors * L);
  }

  static void transform_back(const Tile& at, const T* from, const T* bias, T least, int a, T* memory, T* y, int first_filter, bool add) {
    const int filters = std::min(L, F - a * L);
    T offsets[std::size_t(L)] = {};
    if (bias) std::copy_n(bias + a * L, filters, offsets);
    const Packet offset = lanes::load(offsets);
    T* turned = memory + window;
    both_ways<N, M, T>([](const Line<T, N>& line) { return output<N>(line); }, [&](int i, int j) { return lanes::load(from + std::size_t(i * N + j) * out_point); },
                       [&](int r, int c, const Packet& p) { lanes::store(turned + (r * M + c) * L, lanes::at_least(lanes::plus(p, offset), least)); });
    for (int p = 0; p < M * M; p += L)
      lanes::transpose<T>([&](int i) { return lanes::load(turned + (p + i) * L); }, [&](int l, const Packet& row) { lanes::store(memory + l * M * M + p, row); });
    for (int l = std::max(0, first_filter - a * L); l < filters; ++l)
      at.template each_row<Out, M>([&](int row, int column, int place, int count) {
        T* to = plane<Out>(y, a * L + l) + row * Out::width + column;
        const T* value = memory + l * M * M + place;
        for (int q = 0; q < count; ++q) to[q] = add ? to[q] + value[q] : value[q];
      });
  }
};

}  // namespace dropnet::winograd
