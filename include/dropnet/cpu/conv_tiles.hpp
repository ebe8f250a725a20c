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

/// A channel's plane of a batch.
struct Plane {
  int height, width;
  std::size_t sample;  ///< scalars from one sample to the next
  constexpr std::size_t size() const { return std::size_t(height) * std::size_t(width); }
};
template <class Shape>
inline constexpr Plane plane_of{Shape::height, Shape::width, Shape::size};

/// The tiles of one plane; those at the lower and right edge may reach past it.
struct Grid {
  int rows, columns;
  constexpr explicit Grid(const Plane& plane) : rows(ceil_div(plane.height, outputs)), columns(ceil_div(plane.width, outputs)) {}
  constexpr int tiles() const { return rows * columns; }
};
template <class Shape>
inline constexpr Grid grid_of{plane_of<Shape>};

/// A tile of a batch.
struct Tile {
  int image, row, column;

  /// Goes on to the next one.
  void advance(const Grid& grid) {
    if (++column < grid.columns) return;
    column = 0;
    if (++row < grid.rows) return;
    row = 0;
    ++image;
  }
  /// visit(row, column, place in the window, count) for each row of its window of `side` pixels a side, which reaches `pad` pixels past
  /// its outputs, without what lies outside of the plane.
  template <class Visit>
  EIGEN_ALWAYS_INLINE void each_row(const Plane& plane, int side, int pad, Visit visit) const {
    const int top = row * outputs - pad, left = column * outputs - pad;
    const int begin = std::max(0, -left), count = std::min(side, plane.width - left) - begin;
    for (int r = std::max(0, -top); r < std::min(side, plane.height - top); ++r) visit(top + r, left + begin, r * side + begin, count);
  }
};

/// Some tiles of a batch, as vectors with a tile in each lane. In a whole part these are `rows` rows of tiles of as many images as there
/// are lanes, an image in each. What is left of the batch is scattered: all tiles of all images, one after the other.
struct Part {
  bool whole;
  Tile first;
  int vectors, tiles;
  int rows = 0;
};

/// How a batch falls apart into parts of at most `rows` rows of tiles.
struct Parts {
  Grid grid;
  int rows, lanes, batch;
  int most() const { return rows * grid.columns; }  ///< vectors
  int of_group() const { return ceil_div(grid.rows, rows); }
  int groups() const { return batch / lanes; }
  int tiles_left() const { return (batch - groups() * lanes) * grid.tiles(); }
  int count() const { return groups() * of_group() + ceil_div(tiles_left(), most() * lanes); }
  Part operator[](int i) const {
    const int in_groups = groups() * of_group();
    if (i < in_groups) {
      const int first = i % of_group() * rows, count = std::min(rows, grid.rows - first), vectors = count * grid.columns;
      return {true, {i / of_group() * lanes, first, 0}, vectors, vectors * lanes, count};
    }
    const int first = (i - in_groups) * most() * lanes, tiles = std::min(most() * lanes, tiles_left() - first), in_image = first % grid.tiles();
    return {false, {groups() * lanes + first / grid.tiles(), in_image / grid.columns, in_image % grid.columns}, ceil_div(tiles, lanes), tiles};
  }
};

/// The pixels under a part's tiles, lane by lane: one channel's plane, windows of `window` pixels a side at every tile's outputs from
/// -pad on, pixels outside the plane being zero. The windows of a row of whole tiles share their pixels; scattered tiles have their own.
template <class T>
struct Strip {
  static constexpr int L = lanes::width<T>, step = outputs;
  static constexpr int widest = points(5);  ///< of all windows, in pixels
  Plane plane;
  Grid grid;
  int window, pad;

  constexpr int pixels() const { return (grid.columns - 1) * step + window; }  ///< in a row
  constexpr std::size_t size(int rows_of_tiles) const { return L * std::max(of_rows(rows_of_tiles), of_windows(rows_of_tiles * grid.columns)); }

  /// Where vector v's window begins, and from one row of it to the next.
  EIGEN_ALWAYS_INLINE std::ptrdiff_t place(const Part& part, int v) const {
    const int at = part.whole ? v / grid.columns * step * pixels() + v % grid.columns * step : v * window * window;
    return std::ptrdiff_t(at) * L;
  }
  EIGEN_ALWAYS_INLINE std::ptrdiff_t pitch(const Part& part) const { return std::ptrdiff_t(part.whole ? pixels() : window) * L; }

  /// To be called once before some channels are gathered.
  void clear(const Part& part, T* strip) const { std::fill_n(strip, L * (part.whole ? of_rows(part.rows) : of_windows(part.vectors)), T(0)); }

  /// x: the channel's plane of the batch's first sample.
  DROPNET_ONCE void gather(const Part& part, const T* x, T* strip) const {
    if (!part.whole)
      return each_lane(part, [&](std::ptrdiff_t in_strip, std::ptrdiff_t in_batch) { strip[in_strip] = x[in_batch]; });
    x += std::size_t(part.first.image) * plane.sample;
    each_square(
        part,
        [&](std::ptrdiff_t p, auto next) {
          lanes::transpose<T>([&](int l) { return lanes::load(x + l * between() + p); }, [&](int, const lanes::Packet<T>& pixel) { lanes::store(strip + next(), pixel); });
        },
        [&](std::ptrdiff_t p, std::ptrdiff_t at) {
          for (int l = 0; l < L; ++l) strip[at + l] = x[l * between() + p];
        });
  }

  /// y = strip, or y += strip.
  DROPNET_ONCE void scatter(const Part& part, const T* strip, T* y, bool add) const {
    if (!part.whole) {
      if (add) return each_lane(part, [&](std::ptrdiff_t in_strip, std::ptrdiff_t in_batch) { y[in_batch] += strip[in_strip]; });
      return each_lane(part, [&](std::ptrdiff_t in_strip, std::ptrdiff_t in_batch) { y[in_batch] = strip[in_strip]; });
    }
    y += std::size_t(part.first.image) * plane.sample;
    each_square(
        part,
        [&](std::ptrdiff_t p, auto next) {
          lanes::transpose<T>([&](int) { return lanes::load(strip + next()); },
                              [&](int l, const lanes::Packet<T>& row) { lanes::put(y + l * between() + p, row, lanes::Whole<T>(), add); });
        },
        [&](std::ptrdiff_t p, std::ptrdiff_t at) {
          for (int l = 0; l < L; ++l) {
            T& to = y[l * between() + p];
            to = add ? to + strip[at + l] : strip[at + l];
          }
        });
  }

 private:
  std::ptrdiff_t between() const { return std::ptrdiff_t(plane.sample); }
  constexpr std::size_t of_rows(int rows_of_tiles) const { return std::size_t((rows_of_tiles - 1) * step + window) * std::size_t(pixels()); }
  constexpr std::size_t of_windows(int count) const { return std::size_t(count) * std::size_t(window * window); }

  /// The plane's pixels that a whole part covers: squares(pixel p, next) for as many pixels as there are lanes at a time, where
  /// next() gives the first one's place in the strip, then the next one's; and left(pixel, place) for what is left.
  template <class Squares, class Left>
  EIGEN_ALWAYS_INLINE void each_square(const Part& part, Squares squares, Left left) const {
    const int top = part.first.row * step - pad;
    const int from = std::max(top, 0), to = std::min(top + (part.rows - 1) * step + window, plane.height);
    std::ptrdiff_t at = (std::ptrdiff_t(from - top) * pixels() + pad) * L;
    const std::ptrdiff_t behind_row = std::ptrdiff_t(pixels() - plane.width) * L;
    int column = 0;
    const auto next = [&] {
      const std::ptrdiff_t now = at;
      at += L;
      if (++column == plane.width) {
        column = 0;
        at += behind_row;
      }
      return now;
    };
    std::ptrdiff_t p = from * plane.width;
    const std::ptrdiff_t end = to * plane.width;
    for (; p + L <= end; p += L) squares(p, next);
    for (; p < end; ++p) left(p, next());
  }

  /// visit(place in the strip, place in the batch) for each pixel of each scattered tile.
  template <class Visit>
  EIGEN_ALWAYS_INLINE void each_lane(const Part& part, Visit visit) const {
    Tile tile = part.first;
    for (int t = 0; t < part.tiles; ++t, tile.advance(grid)) {
      const std::ptrdiff_t in_strip = std::ptrdiff_t(t / L) * window * window * L + t % L;
      const std::ptrdiff_t image = tile.image * between();
      tile.each_row(plane, window, pad, [&](int row, int column, int at, int count) {
        const std::ptrdiff_t to = in_strip + std::ptrdiff_t(at) * L, from = image + std::ptrdiff_t(row) * plane.width + column;
        DROPNET_UNROLL for (int q = 0; q < widest; ++q)
          if (q < count) visit(to + q * L, from + q);
      });
    }
  }
};

}  // namespace dropnet::winograd
