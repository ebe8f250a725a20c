#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/cpu/conv_planes.hpp"
#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/winograd.hpp"

namespace dropnet::winograd {

using detail::ceil_div;

/// Scalars between one point's values and the next: not a multiple of a page, or all points would meet in one line of a cache.
template <class T>
constexpr std::size_t apart(std::size_t size) { return size + std::size_t(lanes::width<T>) * ((size * sizeof(T)) % 4096 == 0); }

/// How many of `count` to take at once, at most `most`: what leaves the fewest places empty, and of that the largest.
constexpr int even_block(int count, int most) {
  int best = 1;
  for (int size = 2; size <= most; ++size)
    if (ceil_div(count, size) * size <= ceil_div(count, best) * best) best = size;
  return best;
}

/// Calls work<Size>(first) for blocks of Size out of `blocks`, from the one on that holds number `from`: of that one work<n>(its last n),
/// in quarters as many as are needed.
template <int Size, class Work>
EIGEN_ALWAYS_INLINE void each_block(int from, int blocks, const Work& work) {
  constexpr int one = ceil_div(Size, 4), two = ceil_div(Size, 2), three = ceil_div(3 * Size, 4);
  int block = from / Size;
  const int end = (block + 1) * Size, needed = end - from;
  if (needed < Size && needed <= three) {
    if (needed <= one)
      work.template operator()<one>(end - one);
    else if (needed <= two)
      work.template operator()<two>(end - two);
    else
      work.template operator()<three>(end - three);
    ++block;
  }
  for (; block < blocks; ++block) work.template operator()<Size>(block * Size);
}

/// The tiles of one plane; those at the lower and right edge may reach past it.
template <class Out>
struct Grid {
  static constexpr int rows = ceil_div(Out::height, outputs);
  static constexpr int columns = ceil_div(Out::width, outputs);
  static constexpr int tiles = rows * columns;
};

/// Some tiles of a batch, as vectors with a tile in each lane. In a whole part vector v holds tile first + v of as many images as
/// there are lanes, from `image` on, and `first` begins a row of tiles. What is left of the batch is scattered: lane l of vector v
/// holds tile (first + v) lanes + l, counted through all tiles of all images from `image` on.
struct Part {
  bool whole;
  int image, images;
  int first, vectors;
};

/// How a batch falls apart into parts of at most Rows rows of tiles.
template <class T, class Grid, int Rows>
struct Parts {
  static constexpr int L = lanes::width<T>;
  static constexpr int most = Rows * Grid::columns;  ///< vectors
  static constexpr int of_group = ceil_div(Grid::rows, Rows);
  int batch;
  int groups() const { return batch / L; }
  int left() const { return ((batch - groups() * L) * Grid::tiles + L - 1) / L; }  ///< vectors
  int count() const { return groups() * of_group + ceil_div(left(), most); }
  Part operator[](int i) const {
    if (i < groups() * of_group) {
      const int first = i % of_group * most;
      return {true, i / of_group * L, L, first, std::min(most, Grid::tiles - first)};
    }
    const int first = (i - groups() * of_group) * most;
    return {false, groups() * L, batch - groups() * L, first, std::min(most, left() - first)};
  }
};

/// Where a tile of a scattered part lies: its image, and the first pixel of a window that reaches `pad` pixels past its outputs.
template <class T, class Grid>
struct Place {
  static constexpr int L = lanes::width<T>;
  int image, top, left;

  /// How many tiles a part has.
  static int count(const Part& part) { return std::min((part.first + part.vectors) * L, part.images * Grid::tiles) - part.first * L; }

  /// Of the part's tile number `t`.
  Place(const Part& part, int t, int pad) {
    const int tile = part.first * L + t;
    image = part.image + tile / Grid::tiles;
    top = tile % Grid::tiles / Grid::columns * outputs - pad;
    left = tile % Grid::columns * outputs - pad;
  }

  /// visit(row, column, place in the window, count) for each row of a window of Side pixels a side, without what lies outside.
  template <class Shape, int Side, class Visit>
  EIGEN_ALWAYS_INLINE void each_row(Visit visit) const {
    const int begin = std::max(0, -left), count = std::min(Side, int(Shape::width) - left) - begin;
    for (int r = std::max(0, -top); r < std::min(Side, int(Shape::height) - top); ++r) visit(top + r, left + begin, r * Side + begin, count);
  }
};

/// The pixels under a part's tiles, lane by lane: one channel of Shape, windows of Window pixels a side at every tile's outputs
/// from -Pad on, pixels outside the plane being zero. The windows of a row of whole tiles share their pixels; scattered tiles have
/// their own.
template <class T, class Shape, class Grid, int Window, int Pad>
struct Strip {
  static constexpr int L = lanes::width<T>, Step = outputs;
  static constexpr std::size_t plane = Shape::plane;
  using Tile = Place<T, Grid>;
  static constexpr int pixels = (Grid::columns - 1) * Step + Window;  ///< in a row
  static constexpr std::size_t size(int rows_of_tiles) {
    return std::size_t(L) * std::max(std::size_t((rows_of_tiles - 1) * Step + Window) * pixels,
                                     std::size_t(rows_of_tiles * Grid::columns) * Window * Window);
  }

  /// Where vector v's window begins, and from one row of it to the next.
  static std::ptrdiff_t place(const Part& part, int v) {
    const int at = part.whole ? v / Grid::columns * Step * pixels + v % Grid::columns * Step : v * Window * Window;
    return std::ptrdiff_t(at) * L;
  }
  static std::ptrdiff_t pitch(const Part& part) { return std::ptrdiff_t(part.whole ? pixels : Window) * L; }

  /// To be called once before some channels are gathered.
  static void clear(const Part& part, T* strip) {
    const std::size_t all = part.whole ? std::size_t((part.vectors / Grid::columns - 1) * Step + Window) * pixels
                                       : std::size_t(part.vectors) * Window * Window;
    std::fill_n(strip, all * L, T(0));
  }

  /// x: the channel's plane of the batch's first sample.
  static void gather(const Part& part, const T* x, T* strip) {
    if (!part.whole)
      return each_lane(part, [&](std::ptrdiff_t in_strip, std::ptrdiff_t in_batch) { strip[in_strip] = x[in_batch]; });
    x += std::ptrdiff_t(part.image) * std::ptrdiff_t(Shape::size);
    each_square(
        part,
        [&](int p, auto place) {
          lanes::transpose<T>([&](int l) { return lanes::load(x + std::ptrdiff_t(l) * std::ptrdiff_t(Shape::size) + p); },
                              [&](int, const lanes::Packet<T>& pixel) { lanes::store(strip + place(), pixel); });
        },
        [&](int p, std::ptrdiff_t at) {
          for (int l = 0; l < L; ++l) strip[at + l] = x[std::ptrdiff_t(l) * std::ptrdiff_t(Shape::size) + p];
        });
  }

  /// y = strip, or y += strip.
  static void scatter(const Part& part, const T* strip, T* y, bool add) {
    if (!part.whole)
      return each_lane(part, [&](std::ptrdiff_t in_strip, std::ptrdiff_t in_batch) { y[in_batch] = add ? y[in_batch] + strip[in_strip] : strip[in_strip]; });
    y += std::ptrdiff_t(part.image) * std::ptrdiff_t(Shape::size);
    each_square(
        part,
        [&](int p, auto place) {
          lanes::transpose<T>([&](int) { return lanes::load(strip + place()); },
                              [&](int l, const lanes::Packet<T>& row) {
                                T* to = y + std::ptrdiff_t(l) * std::ptrdiff_t(Shape::size) + p;
                                lanes::store(to, add ? lanes::plus(lanes::load(to), row) : row);
                              });
        },
        [&](int p, std::ptrdiff_t at) {
          for (int l = 0; l < L; ++l) {
            T& to = y[std::ptrdiff_t(l) * std::ptrdiff_t(Shape::size) + p];
            to = add ? to + strip[at + l] : strip[at + l];
          }
        });
  }

 private:
  /// The plane's pixels that a whole part covers: square(pixel p, place) for as many pixels as there are lanes at a time, where
  /// place() gives the first one's place in the strip, then the next one's; and left(pixel, place) for what is left.
  template <class Squares, class Left>
  static void each_square(const Part& part, Squares squares, Left left) {
    const int top = part.first / Grid::columns * Step - Pad;
    const int from = std::max(top, 0), to = std::min(top + (part.vectors / Grid::columns - 1) * Step + Window, int(Shape::height));
    std::ptrdiff_t at = (std::ptrdiff_t(from - top) * pixels + Pad) * L;
    int column = 0;
    const auto next = [&] {
      const std::ptrdiff_t now = at;
      at += L;
      if (++column == Shape::width) {
        column = 0;
        at += std::ptrdiff_t(pixels - Shape::width) * L;
      }
      return now;
    };
    int p = from * Shape::width;
    for (; p + L <= to * Shape::width; p += L) squares(p, next);
    for (; p < to * Shape::width; ++p) left(p, next());
  }

  /// visit(place in the strip, place in the batch) for each pixel of each scattered tile.
  template <class Visit>
  static void each_lane(const Part& part, Visit visit) {
    for (int t = 0; t < Tile::count(part); ++t) {
      const Tile tile(part, t, Pad);
      const std::ptrdiff_t in_strip = std::ptrdiff_t(t / L) * Window * Window * L + t % L;
      const std::ptrdiff_t image = std::ptrdiff_t(tile.image) * std::ptrdiff_t(Shape::size);
      tile.template each_row<Shape, Window>([&](int row, int column, int place, int count) {
        for (int q = 0; q < count; ++q) visit(in_strip + std::ptrdiff_t(place + q) * L, image + std::ptrdiff_t(row) * Shape::width + column + q);
      });
    }
  }
};

}  // namespace dropnet::winograd
