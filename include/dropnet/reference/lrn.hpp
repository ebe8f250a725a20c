#pragma once

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <type_traits>
#include <vector>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/lrn.hpp"
#include "dropnet/reference/backend.hpp"
#include "dropnet/reference/conv.hpp"

namespace dropnet {

namespace detail {

/// Sum over the window around unit (c, row, column) of value(index in the sample).
template <class W, class Shape, class Value>
auto lrn_sum(int c, int row, int column, Value value) {
  decltype(value(0)) sum = 0;
  each_unit<Shape>([&](int c2, int row2, int column2, int i) {
    const bool inside = std::is_same_v<typename W::Region, AcrossChannels>
                            ? std::abs(c2 - c) <= W::half && row2 == row && column2 == column
                            : c2 == c && std::abs(row2 - row) <= W::half && std::abs(column2 - column) <= W::half;
    if (inside) sum += value(i);
  });
  return sum;
}

}  // namespace detail

template <class W, class Shape, class T>
void lrn_forward(Reference&, W w, Blob<T, Shape> x, Blob<T, Shape> scale, Blob<T, Shape> y) {
  for (int n = 0; n < x.batch; ++n)
    detail::each_unit<Shape>([&](int c, int row, int column, int i) {
      const T squares = detail::lrn_sum<W, Shape>(c, row, column, [&](int j) { return x.sample(n)[j] * x.sample(n)[j]; });
      scale.sample(n)[i] = T(w.k) + T(w.share()) * squares;
      y.sample(n)[i] = x.sample(n)[i] * std::pow(scale.sample(n)[i], T(-w.beta));
    });
}

/// dx_i = dy_i scale_i^-beta - 2 beta alpha / n x_i sum over j of dy_j x_j scale_j^(-beta - 1).
template <class W, class Shape, class T>
void lrn_backward(Reference&, W w, Blob<T, Shape> x, Blob<T, Shape> scale, Blob<T, Shape> y) {
  for (int n = 0; n < x.batch; ++n) {
    std::vector<T> gradient;  // which may lie over x
    detail::each_unit<Shape>([&](int c, int row, int column, int i) {
      const T sum = detail::lrn_sum<W, Shape>(c, row, column, [&](int j) {
        return y.sample_diff(n)[j] * x.sample(n)[j] * std::pow(scale.sample(n)[j], T(-w.beta - 1));
      });
      gradient.push_back(y.sample_diff(n)[i] * std::pow(scale.sample(n)[i], T(-w.beta)) - T(2 * w.beta * w.share()) * x.sample(n)[i] * sum);
    });
    for (std::size_t i = 0; i < Shape::size; ++i) x.sample_diff(n)[i] = x.add ? x.sample_diff(n)[i] + gradient[i] : gradient[i];
  }
}

}  // namespace dropnet
