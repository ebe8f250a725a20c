#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

namespace detail {

/// The softmax over the channels of pixel `i` of a sample.
template <class Shape, class T>
std::vector<T> softmax_of_pixel(const T* x, std::size_t i) {
  std::vector<T> y;
  T top = x[i], sum = 0;
  for (std::size_t c = 0; c < std::size_t(Shape::channels); ++c) top = x[c * Shape::plane + i] > top ? x[c * Shape::plane + i] : top;
  for (std::size_t c = 0; c < std::size_t(Shape::channels); ++c) sum += y.emplace_back(std::exp(x[c * Shape::plane + i] - top));
  for (T& v : y) v /= sum;
  return y;
}

}  // namespace detail

template <class Shape, class T>
void softmax_forward(Reference&, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (int n = 0; n < x.batch; ++n)
    for (std::size_t i = 0; i < Shape::plane; ++i) {
      const auto p = detail::softmax_of_pixel<Shape>(x.sample(n), i);
      for (std::size_t c = 0; c < p.size(); ++c) y.sample(n)[c * Shape::plane + i] = p[c];
    }
}

/// dx_c = p_c (dy_c - sum over k of dy_k p_k).
template <class Shape, class T>
void softmax_backward(Reference&, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (int n = 0; n < x.batch; ++n)
    for (std::size_t i = 0; i < Shape::plane; ++i) {
      const auto p = detail::softmax_of_pixel<Shape>(x.sample(n), i);
      T sum = 0;
      for (std::size_t c = 0; c < p.size(); ++c) sum += y.sample_diff(n)[c * Shape::plane + i] * p[c];
      for (std::size_t c = 0; c < p.size(); ++c) {
        const T d = p[c] * (y.sample_diff(n)[c * Shape::plane + i] - sum);
        T& to = x.sample_diff(n)[c * Shape::plane + i];
        to = x.add ? to + d : d;
      }
    }
}

}  // namespace dropnet
