#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/sums.hpp"

namespace dropnet {

/// A matrix in memory, without a copy: its rows are a pitch apart, or, where it is turned, its columns.
template <class T>
struct Operand {
  const T* data;
  std::ptrdiff_t pitch;
  bool turned = false;
  const T* at(int row, int column) const { return turned ? data + column * pitch + row : data + row * pitch + column; }
};

/// C = A B, C += A B or, where it ends a layer, C = max(A B + bias, least) with a bias for each row. Blocks of A and B are brought into the order in which registers take them, and stay in the caches meanwhile.
/// How a sum is split depends on its length alone.
template <class T>
struct Product {
  static constexpr int L = lanes::width<T>, V = 2, columns = V * L;  ///< of sums in registers
  static constexpr int rows = lanes::registers >= 32 ? 8 : 4;
  static constexpr int group = std::max(L, rows);    ///< rows of A that lie beside each other
  static constexpr int depth = 256, height = 256;    ///< of a block of A
  static_assert(group % rows == 0 && height % group == 0);
  static constexpr std::size_t scratch = std::size_t(depth) * (height + columns);  ///< scalars that `run` needs

  /// C: m x n, its rows `pitch` apart; A: m x k; B: k x n.
  static void run(int m, int n, int k, Operand<T> a, Operand<T> b, T* c, std::ptrdiff_t pitch, bool add, T* memory, const T* bias = nullptr,
                  T least = -std::numeric_limits<T>::infinity()) {
    T* const panel = memory + std::size_t(depth) * height;
    for (int i = 0; i < m; i += height)
      for (int d = 0; d == 0 || d < k; d += depth) {  // sums of no terms are zero
        const int in_height = std::min(height, m - i), in_depth = std::min(depth, k - d);
        for (int r = 0; r < in_height; r += group) pack<group>(a.at(i + r, d), a.pitch, a.turned, std::min(group, in_height - r), in_depth, memory + r * in_depth);
        for (int j = 0; j < n; j += columns) {
          // What is used once is used where it lies.
          const bool packed = b.turned || n - j < columns || in_height > rows;
          if (packed) pack<columns>(b.at(d, j), b.pitch, !b.turned, std::min(columns, n - j), in_depth, panel);
          for (int r = 0; r < in_height; r += rows)
            tile(in_depth, memory + r / group * group * in_depth + r % group, packed ? panel : b.at(d, j), packed ? columns : b.pitch, c + (i + r) * pitch + j, pitch, add || d > 0, std::min(rows, in_height - r),
                 std::min(columns, n - j), d + depth < k ? nullptr : bias ? bias + i + r : nullptr, least);
        }
      }
  }

 private:
  /// to[k][i], i < Width: `count` lines of length `length`, and zeros. Values of equal k lie beside each other in `from`, or lines do.
  template <int Width>
  static void pack(const T* from, std::ptrdiff_t pitch, bool beside, int count, int length, T* to) {
    if (beside) {
      for (int k = 0; k < length; ++k, from += pitch, to += Width)
        if (count == Width)
          for (int i = 0; i < Width; i += L) lanes::store(to + i, lanes::load(from + i));
        else
          std::fill(std::copy_n(from, count, to), to + Width, T(0));
      return;
    }
    for (int i = 0; i < Width; i += L) {
      const int lines = std::clamp(count - i, 0, L);
      int k = 0;
      if (lines == L)
        for (; k + L <= length; k += L) {
          lanes::Square<T> square;
          for (int l = 0; l < L; ++l) square[l] = lanes::load(from + (i + l) * pitch + k);
          lanes::transpose<T>(square);
          for (int l = 0; l < L; ++l) lanes::store(to + (k + l) * Width + i, square[l]);
        }
      for (; k < length; ++k)
        for (int l = 0; l < L; ++l) to[k * Width + i + l] = l < lines ? from[(i + l) * pitch + k] : T(0);
    }
  }

  static void tile(int length, const T* a, const T* b, std::ptrdiff_t b_pitch, T* c, std::ptrdiff_t pitch, bool add, int high, int wide, const T* bias, T least) {
    lanes::Sums<T, rows, V> sums;
    sums.template add<1>(length, a, group, b, b_pitch);
    if (high == rows && wide == columns) {
      for (int r = 0; r < rows; ++r)
        for (int v = 0; v < V; ++v) finish(c + r * pitch + v * L, sums.of[r][v], add, bias ? bias + r : nullptr, least);
      return;
    }
    T edge[rows * columns];
    sums.store_to(edge, columns);
    for (int r = 0; r < high; ++r) {
      T line[columns] = {};
      if (add) std::copy_n(c + r * pitch, wide, line);
      for (int v = 0; v < V; ++v) finish(line + v * L, lanes::load(edge + r * columns + v * L), add, bias ? bias + r : nullptr, least);
      std::copy_n(line, wide, c + r * pitch);
    }
  }
  static EIGEN_STRONG_INLINE void finish(T* to, lanes::Packet<T> value, bool add, const T* bias, T least) {
    if (add) value = lanes::plus(lanes::load(to), value);
    if (bias) value = lanes::at_least(lanes::plus(value, lanes::all(*bias)), least);
    lanes::store(to, value);
  }
};

}  // namespace dropnet
