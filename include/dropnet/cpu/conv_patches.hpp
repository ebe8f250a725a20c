#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/window.hpp"

namespace dropnet::patches {

/// Convolution as a matrix product: row (c, ky, kx) of the patch matrix holds, for each output pixel, the input
/// that this weight meets. Serves every window. Several samples lie beside each other, so that a product has enough columns.
template <class W>
struct Patches {
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr std::size_t rows = std::size_t(In::channels) * W::taps;
  static constexpr std::size_t columns = Out::plane;
  static constexpr int most = std::clamp(256 / int(columns), 1, 64);  ///< samples beside each other
  static constexpr std::size_t size = rows * columns;
  /// Whether a sample's patches are the sample.
  static constexpr bool same = W::taps == 1 && W::stride == Size(1) && W::pad == Size(0);

  /// The matrix's rows are `pitch` apart.
  template <class T>
  static void gather(const T* x, T* to, std::size_t pitch) {
    each_row(pitch, [&](std::size_t p, std::ptrdiff_t i, int first, int last) {
      std::fill_n(to + p, first, T(0));
      for (int q = first; q < last; ++q) to[p + std::size_t(q)] = x[i + q * W::stride.width];
      std::fill_n(to + p + last, Out::width - last, T(0));
    });
  }
  template <class T>
  static void scatter_add(const T* from, std::size_t pitch, T* dx) {
    each_row(pitch, [&](std::size_t p, std::ptrdiff_t i, int first, int last) {
      for (int q = first; q < last; ++q) dx[i + q * W::stride.width] += from[p + std::size_t(q)];
    });
  }

 private:
  /// Of 0..Out::width the columns whose input `at` + column * stride lies within the plane: from the first one on, before the last.
  static constexpr int first_column(int at) { return std::clamp((-at + W::stride.width - 1) / W::stride.width, 0, int(Out::width)); }
  static constexpr int last_column(int at) {
    return std::max(first_column(at), std::min(int(Out::width), (int(In::width) - at + W::stride.width - 1) / W::stride.width));
  }
  /// visit(place in the patch matrix, place in the sample of its first column, first and last column within the plane) for each row.
  template <class Visit>
  static void each_row(std::size_t pitch, Visit visit) {
    std::size_t line = 0;
    for (int c = 0; c < In::channels; ++c)
      for (int ky = 0; ky < W::kernel.height; ++ky)
        for (int kx = 0; kx < W::kernel.width; ++kx, line += pitch) {
          std::size_t p = line;
          const int at = kx * W::dilation.width - W::pad.width;
          for (int row = 0; row < Out::height; ++row, p += Out::width) {
            const int r = row * W::stride.height - W::pad.height + ky * W::dilation.height;
            const bool inside = r >= 0 && r < In::height;
            visit(p, (std::ptrdiff_t(c) * In::height + r) * In::width + at, inside ? first_column(at) : 0, inside ? last_column(at) : 0);
          }
        }
  }
};

}  // namespace dropnet::patches
