#pragma once

#include <algorithm>
#include <cstddef>

namespace dropnet::patches {

/// Convolution as a matrix product: row (c, ky, kx) of the patch matrix holds, for each output pixel, the input
/// that this weight meets. Serves every window.
template <class W>
struct Patches {
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr std::size_t rows = std::size_t(In::channels) * W::taps;
  static constexpr std::size_t columns = Out::plane;
  static constexpr std::size_t size = rows * columns;

  template <class T>
  static void gather(const T* x, T* to) {
    each([&](std::size_t p, std::ptrdiff_t i) { to[p] = i < 0 ? T(0) : x[i]; });
  }
  template <class T>
  static void scatter_add(const T* from, T* dx) {
    each([&](std::size_t p, std::ptrdiff_t i) {
      if (i >= 0) dx[i] += from[p];
    });
  }

 private:
  /// visit(place in the patch matrix, place in the sample or -1 for padding)
  template <class Visit>
  static void each(Visit visit) {
    std::size_t p = 0;
    for (int c = 0; c < In::channels; ++c)
      for (int ky = 0; ky < W::kernel.height; ++ky)
        for (int kx = 0; kx < W::kernel.width; ++kx)
          for (int row = 0; row < Out::height; ++row) {
            const int r = row * W::stride.height - W::pad.height + ky * W::dilation.height;
            for (int column = 0; column < Out::width; ++column) {
              const int q = column * W::stride.width - W::pad.width + kx * W::dilation.width;
              const bool inside = r >= 0 && r < In::height && q >= 0 && q < In::width;
              visit(p++, inside ? (std::ptrdiff_t(c) * In::height + r) * In::width + q : -1);
            }
          }
  }
};

}  // namespace dropnet::patches
