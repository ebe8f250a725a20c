#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/interpolate.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

namespace detail {

/// Calls visit(output index, input index, coefficient) for each term of one sample's resizing.
template <class In, class Out, class T, class Visit>
void each_resize_term(Visit visit) {
  for (int c = 0; c < std::min(In::channels, Out::channels); ++c)
    for (int row = 0; row < Out::height; ++row) {
      const auto r = interpolate(row, Out::height, In::height);
      for (int column = 0; column < Out::width; ++column) {
        const auto q = interpolate(column, Out::width, In::width);
        const std::size_t o = (std::size_t(c) * Out::height + std::size_t(row)) * Out::width + std::size_t(column);
        const auto at = [&](int y, int x) { return (std::size_t(c) * In::height + std::size_t(y)) * In::width + std::size_t(x); };
        visit(o, at(r.low, q.low), T((1 - r.weight) * (1 - q.weight)));
        visit(o, at(r.low, q.high), T((1 - r.weight) * q.weight));
        visit(o, at(r.high, q.low), T(r.weight * (1 - q.weight)));
        visit(o, at(r.high, q.high), T(r.weight * q.weight));
      }
    }
}

}  // namespace detail

template <class In, class Out, class T>
void resize_forward(Reference&, Blob<T, In> x, Blob<T, Out> y) {
  std::fill_n(y.data, y.size(), T(0));
  for (int n = 0; n < x.batch; ++n)
    detail::each_resize_term<In, Out, T>([&](std::size_t o, std::size_t i, T k) { y.sample(n)[o] += k * x.sample(n)[i]; });
}

template <class In, class Out, class T>
void resize_backward(Reference&, Blob<T, In> x, Blob<T, Out> y) {
  if (!x.add) std::fill_n(x.diff, x.size(), T(0));
  for (int n = 0; n < x.batch; ++n)
    detail::each_resize_term<In, Out, T>([&](std::size_t o, std::size_t i, T k) { x.sample_diff(n)[i] += k * y.sample_diff(n)[o]; });
}

}  // namespace dropnet
