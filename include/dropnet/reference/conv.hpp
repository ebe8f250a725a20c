#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

namespace detail {

/// Calls visit(index in x, index in weights) for each product that makes output (f, row, column) of a sample.
template <class W, class Visit>
void each_product(int f, int row, int column, Visit visit) {
  using In = typename W::in;
  const int first = f / W::group_filters * W::group_channels;
  for (int c = 0; c < W::group_channels; ++c)
    for (int ky = 0; ky < W::kernel.height; ++ky)
      for (int kx = 0; kx < W::kernel.width; ++kx) {
        const int r = row * W::stride.height - W::pad.height + ky * W::dilation.height;
        const int q = column * W::stride.width - W::pad.width + kx * W::dilation.width;
        if (r >= 0 && r < In::height && q >= 0 && q < In::width)
          visit(((first + c) * In::height + r) * In::width + q, ((f * W::group_channels + c) * W::kernel.height + ky) * W::kernel.width + kx);
      }
}

/// Calls visit(f, row, column, index) for each unit of an image.
template <class Shape, class Visit>
void each_unit(Visit visit) {
  int i = 0;
  for (int c = 0; c < Shape::channels; ++c)
    for (int row = 0; row < Shape::height; ++row)
      for (int column = 0; column < Shape::width; ++column) visit(c, row, column, i++);
}

}  // namespace detail

template <class W, class T>
void conv_forward(Reference&, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  using Out = typename W::out;
  for (int n = 0; n < x.batch; ++n)
    detail::each_unit<Out>([&](int f, int row, int column, int o) {
      T sum = b.data[f];
      detail::each_product<W>(f, row, column, [&](int i, int k) { sum += x.sample(n)[i] * w.data[k]; });
      y.sample(n)[o] = sum;
    });
}

template <class W, class T>
void conv_backward(Reference&, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  using Out = typename W::out;
  if (w.diff && !w.add) std::fill_n(w.diff, W::weights, T(0));
  if (b.diff && !b.add) std::fill_n(b.diff, std::size_t(Out::channels), T(0));
  for (int n = 0; n < x.batch; ++n) {
    const T* dy = y.sample_diff(n);
    if (w.diff)
      detail::each_unit<Out>([&](int f, int row, int column, int o) {
        b.diff[f] += dy[o];
        detail::each_product<W>(f, row, column, [&](int i, int k) { w.diff[k] += dy[o] * x.sample(n)[i]; });
      });
    if (!x.diff) continue;
    // The gradient may lie over the values, which are read no more.
    if (!x.add) std::fill_n(x.sample_diff(n), W::in::size, T(0));
    detail::each_unit<Out>([&](int f, int row, int column, int o) {
      detail::each_product<W>(f, row, column, [&](int i, int k) { x.sample_diff(n)[i] += dy[o] * w.data[k]; });
    });
  }
}

}  // namespace dropnet
