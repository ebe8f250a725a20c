#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/extent.hpp"
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

/// Where C goes. Its columns may be cut into segments that are some scalars apart, as the pixels of several samples are.
template <class T>
struct Target {
  T* data;
  std::ptrdiff_t pitch;  ///< from row to row
  bool add = false;
  int segment = std::numeric_limits<int>::max();  ///< columns
  std::ptrdiff_t apart = 0;
  const T* bias = nullptr;  ///< one for each row
  T least = -std::numeric_limits<T>::infinity();  ///< what a bias was added to is at least this
};

/// C = A B, C += A B or C = max(A B + bias, least); A: m x k, B: k x n. A is packed once, rows beside each other, B's columns a panel at a
/// time, which stays in the nearest cache while all rows of A go by. How a sum is split depends on its length alone.
template <class T>
struct Product {
  static constexpr int L = lanes::width<T>;
  static constexpr int rows = lanes::registers >= 32 ? 8 : 4, most_vectors = 3;  ///< of sums in registers
  static constexpr int group = std::max(L, rows);                                 ///< rows of A that lie beside each other
  static constexpr int columns = most_vectors * L;                                ///< of a panel, at most
  static constexpr int depth = lanes::registers >= 32 ? 160 : 256;                ///< a panel's rows, at most: so many stay in the nearest cache
  static constexpr int height = 256, panels_near = 8;                             ///< rows and panels of C that stay near while k goes by
  static_assert(group % rows == 0 && height % group == 0);
  static constexpr std::size_t panel = padded(std::size_t(depth) * columns + L);  ///< scalars
  static constexpr int block = rows * columns;                                    ///< of sums on their way from one part of a sum to the next

  /// Scalars that `run` needs.
  static constexpr std::size_t memory(int m, int n, int k) {
    return panel + (k <= depth ? 0 : std::size_t(detail::ceil_div(std::min(m, height), rows) * std::min(detail::ceil_div(n, columns), panels_near)) * block);
  }
  /// Scalars that A takes when packed.
  static constexpr std::size_t packed(int m, int k) { return std::size_t(detail::ceil_div(m, group) * group) * std::size_t(k); }
  /// Packs columns of A, those that stand at `from` and after in a whole of k.
  static void pack(Operand<T> a, int m, int count, T* to, int k, int from = 0) {
    for (int i = 0; i < m; i += group) pack_lines(a.at(i, 0), a.pitch, a.turned, group, std::min(group, m - i), count, to + std::ptrdiff_t(i) * k + from * group, group);
  }

  /// Brings lines into to[k][i], i < width, rows `pitch` apart: `count` lines of `length` values, zeros after them. Values of equal k lie
  /// beside each other in `from`, or lines do.
  static void pack_lines(const T* from, std::ptrdiff_t apart, bool beside, int width, int count, int length, T* to, int pitch) {
    if (beside) {
      for (int k = 0; k < length; ++k, from += apart, to += pitch)
        if (count == width)
          for (int i = 0; i < width; i += L) lanes::store(to + i, lanes::load(from + i));
        else
          std::fill(std::copy_n(from, count, to), to + width, T(0));
      return;
    }
    for (int i = 0; i < width; i += L) {
      const int lines = std::clamp(count - i, 0, L);
      int k = 0;
      if (lines == L)
        for (; k + L <= length; k += L)
          lanes::transpose<T>([&](int l) { return lanes::load(from + (i + l) * apart + k); },
                              [&](int l, const lanes::Packet<T>& row) { lanes::store(to + (k + l) * pitch + i, row); });
      for (; k < length; ++k)
        for (int l = 0; l < L; ++l) to[k * pitch + i + l] = l < lines ? from[(i + l) * apart + k] : T(0);
    }
  }

  /// A panel's rows, k after k.
  struct Panel {
    const T* data;
    std::ptrdiff_t pitch;
  };
  /// Numbers from..to of `count` that are in one of `parts` parts.
  struct Range {
    int from, to;
  };
  static constexpr Range part_of(int count, int part, int parts) {
    const int each = detail::ceil_div(count, parts);
    return {std::min(count, part * each), std::min(count, (part + 1) * each)};
  }
  /// B as a matrix in memory.
  struct Matrix {
    /// Some columns of it, from j on: `count`, in a panel of `width`.
    struct Columns {
      Operand<T> b;
      int j, count, width;
      /// Rows from d on. What is used once is used where it lies.
      Panel pack(int d, int length, bool once, T* to) const {
        if (once && !b.turned && count == width) return {b.at(d, j), b.pitch};
        pack_lines(b.at(d, j), b.pitch, !b.turned, width, count, length, to, width);
        return {to, width};
      }
      /// Asks for one of `parts` parts of what `pack` will read.
      EIGEN_ALWAYS_INLINE void prefetch(int d, int length, int part, int parts) const {
        const Range lines = part_of(b.turned ? count : length, part, parts);
        for (int i = lines.from; i < lines.to; ++i) lanes::prefetch(b.at(d, j) + i * b.pitch, b.turned ? length : count);
      }
    };
    Operand<T> b;
    Columns columns(int j, int count, int width) const { return {b, j, count, width}; }
  };

  /// left: A, packed. right.columns(first column, how many, width of their panel) packs and asks ahead for its rows as Matrix::Columns
  /// does. Sums of more than one part stay in memory of their own until they are whole.
  template <class Right>
  static void run(int m, int n, int k, const T* left, const Right& right, const Target<T>& c, T* memory) {
    if (n == 0) return;
    const int steps = std::max(1, detail::ceil_div(k, depth)), step = detail::ceil_div(k, steps);  // sums of no terms are zero
    const int vectors = detail::ceil_div(n, L), panels = detail::ceil_div(vectors, most_vectors), near = std::min(panels, panels_near);
    const auto begin = [&](int p) { return (vectors / panels * p + std::min(p, vectors % panels)) * L; };
    const auto columns_of = [&](int p) { return right.columns(begin(p), std::min(n, begin(p + 1)) - begin(p), begin(p + 1) - begin(p)); };
    struct Place {
      int i = 0, first = 0, s = 0, p = 0;  ///< row of C, first of the panels that are near, part of the sums, panel
    };
    const auto after = [&](Place at) {
      const int end = std::min(panels, at.first + near);
      if (++at.p < end) return at;
      if (++at.s == steps) {
        at.s = 0;
        at.first = end % panels;
        if (at.first == 0) at.i += height;
      }
      at.p = at.first;
      return at;
    };
    for (Place at, next; at.i < m; at = next) {
      next = after(at);
      const int d = at.s * step, length = std::min(step, k - d), high = std::min(height, m - at.i), j = begin(at.p), width = begin(at.p + 1) - j;
      const bool once = high <= rows, ahead = next.i < m && !once;
      const Panel b = columns_of(at.p).pack(d, length, once, memory);
      // What comes next is asked for while this is multiplied with, so that packing it does not wait for memory.
      const auto following = columns_of(next.p);
      const int next_d = next.s * step, next_length = std::min(step, k - next_d);
      T* parts = memory + panel + std::ptrdiff_t(at.p - at.first) * block;
      const Tile tile = tile_of(width / L, at.s > 0, at.s + 1 == steps);
      for (int r = at.i; r < at.i + high; r += rows, parts += std::ptrdiff_t(near) * block) {
        if (ahead) following.prefetch(next_d, next_length, (r - at.i) / rows, detail::ceil_div(high, rows));
        const T* const a = left + std::ptrdiff_t(r / group * group) * k + d * group + r % group;
        tile(length, a, b, c, r, std::min(rows, m - r), j, std::min(width, n - j), parts);
      }
    }
  }

 private:
  /// The same for any B, and compiled once.
  using Tile = void (*)(int, const T*, Panel, const Target<T>&, int, int, int, int, T*);
  static Tile tile_of(int vectors, bool begun, bool last) {
    Tile of = nullptr;
    lanes::with_count<most_vectors>(vectors, [&]<int Vectors>() {
      if (last)
        of = begun ? tile<Vectors, true, true> : tile<Vectors, false, true>;
      else
        of = begun ? tile<Vectors, true, false> : tile<Vectors, false, false>;
    });
    return of;
  }
  /// One part of the sums, after those before it if it is not the first: to where they lie until they are whole, or to C.
  template <int Vectors, bool Begun, bool Last>
  static void tile(int length, const T* a, Panel b, const Target<T>& c, int i, int high, int j, int wide, T* parts) {
    using Sums = lanes::Sums<T, rows, Vectors>;
    if constexpr (!Last) {
      Sums sums;
      sums.add(length, a, 1, group, b.data, b.pitch);
      if constexpr (Begun) sums.plus_stored(parts, Vectors * L);
      return sums.store_to(parts, Vectors * L);
    }
    T* const to = c.data + i * c.pitch + j / c.segment * c.apart + j % c.segment;
    const bool full = high == rows && wide == Vectors * L && j % c.segment + wide <= c.segment;
    if (full) Sums::prefetch(to, c.pitch);
    Sums sums;
    sums.add(length, a, 1, group, b.data, b.pitch);
    if constexpr (Begun) sums.plus_stored(parts, Vectors * L);
    const T* const bias = c.bias ? c.bias + i : nullptr;
    if (full) {
      if (c.add) sums.plus_stored(to, c.pitch);
      if (bias) sums.finish(bias, c.least);
      sums.store_to(to, c.pitch);
    } else {
      put_edge(sums, c, i, high, j, wide, bias);
    }
  }
  /// Sums of which not all belong to C. Apart from the others, which so stay in registers.
  template <class Sums>
  static EIGEN_DONT_INLINE void put_edge(Sums sums, const Target<T>& c, int i, int high, int j, int wide, const T* bias) {
    constexpr int pitch = most_vectors * L;
    T edge[std::size_t(rows * pitch)] = {}, biases[rows] = {};
    if (c.add) {
      for (int r = 0; r < high; ++r) by_segments(c, i + r, j, wide, [&](int at, int count, const T* from) { std::copy_n(from, count, edge + r * pitch + at); });
      sums.plus_stored(edge, pitch);
    }
    if (bias) {
      std::copy_n(bias, high, biases);
      sums.finish(biases, c.least);
    }
    sums.store_to(edge, pitch);
    for (int r = 0; r < high; ++r) by_segments(c, i + r, j, wide, [&](int at, int count, T* into) { std::copy_n(edge + r * pitch + at, count, into); });
  }
  /// work(place among these columns, count, where they lie in C)
  template <class Work>
  static void by_segments(const Target<T>& c, int i, int j, int wide, Work work) {
    for (int at = 0; at < wide;) {
      const int in_segment = (j + at) % c.segment, count = std::min(wide - at, c.segment - in_segment);
      work(at, count, c.data + i * c.pitch + (j + at) / c.segment * c.apart + in_segment);
      at += count;
    }
  }
};

}  // namespace dropnet
