#pragma once

// What the kernels of a convolution and of its weights' gradient share.

#include <type_traits>

#include "products.hpp"

namespace dropnet::kernels {

/// What both kernels bring to shared memory: rows of some channels of an image with the zeros around it, [channel][row][column].
/// The zeros in the columns behind a row are those before the next one.
struct Input {
  int channels, height, width;  ///< of an image
  int pad_rows;
  int rows, left, pitch, plane;  ///< of what is brought; left: zeros before a row
  int pieces;                    ///< copies along a row
  Quotient by_pieces, by_rows;
  const float* x;
  template <int Count>
  DROPNET_DEVICE void load_pieces(unsigned thread, unsigned threads, int image, int channel, int count, int row, float* to) const {
    const float* const from = x + std::size_t(image) * unsigned(channels) * unsigned(height) * unsigned(width);
    for (int i = int(thread); i < count * rows * pieces; i += int(threads)) {
      const int line = by_pieces(i), piece = i - line * pieces, c = by_rows(line), r = line - c * rows, y = row + r - pad_rows;
      const bool there = channel + c < channels && unsigned(y) < unsigned(height);
      const unsigned place = unsigned((channel + c) * height + y) * unsigned(width) + unsigned(piece * Count);
      copy_ahead<Count>(to + c * plane + r * pitch + left + piece * Count, from + (there ? place : 0), there);
    }
  }
  DROPNET_DEVICE void load(unsigned thread, unsigned threads, int image, int channel, int count, int row, float* to) const {
    if (width % 4 == 0)
      load_pieces<4>(thread, threads, image, channel, count, row, to);
    else
      load_pieces<1>(thread, threads, image, channel, count, row, to);
  }
};

inline Input input(int channels, int height, int width, int pad_rows, int rows, int left, int pitch, int plane, const float* x) {
  const int pieces = width % 4 == 0 ? width / 4 : width;
  return {channels, height, width, pad_rows, rows, left, pitch, plane, pieces, Quotient(pieces), Quotient(rows), x};
}

/// `go` with the tile's sizes as constants.
template <class Go>
void with_tile(const Convolution& at, const ConvTile& tile, const Go& go) {
  const auto columns = [&](auto n) {
    const auto rows = [&](auto m) { at.tf32 ? go(m, n, std::false_type{}) : go(m, n, std::true_type{}); };
    tile.m == 1 ? rows(std::integral_constant<int, 1>{}) : rows(std::integral_constant<int, 2>{});
  };
  switch (tile.n) {
    case 1: return columns(std::integral_constant<int, 1>{});
    case 3: return columns(std::integral_constant<int, 3>{});
    case 4: return columns(std::integral_constant<int, 4>{});
    case 7: return columns(std::integral_constant<int, 7>{});
  }
}

}  // namespace dropnet::kernels
