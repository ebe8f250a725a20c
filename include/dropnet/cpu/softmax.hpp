#pragma once

#include <Eigen/Core>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// A sample's softmax, [channel][pixel].
template <class Shape, class T>
RowMatrix<T> softmax_of(const T* x) {
  const auto in = matrix(x, std::size_t(Shape::channels), Shape::plane);
  RowMatrix<T> p = (in.rowwise() - in.colwise().maxCoeff()).array().exp();
  p.array().rowwise() /= p.colwise().sum().eval().array();
  return p;
}

}  // namespace detail

template <class Shape, class T>
void softmax_forward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel(x.batch, x.size() * 16, [&](int n, int) {
    detail::matrix(y.sample(n), std::size_t(Shape::channels), Shape::plane) = detail::softmax_of<Shape>(static_cast<const T*>(x.sample(n)));
  });
}

/// dx_c = p_c (dy_c - sum over k of dy_k p_k).
template <class Shape, class T>
void softmax_backward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel(x.batch, x.size() * 16, [&](int n, int) {
    const auto p = detail::softmax_of<Shape>(static_cast<const T*>(x.sample(n)));
    const auto dy = detail::matrix(static_cast<const T*>(y.sample_diff(n)), std::size_t(Shape::channels), Shape::plane);
    const Eigen::Matrix<T, 1, Eigen::Dynamic> sums = dy.cwiseProduct(p).colwise().sum();
    detail::put(detail::matrix(x.sample_diff(n), std::size_t(Shape::channels), Shape::plane), p.cwiseProduct(dy.rowwise() - sums), x.add);
  });
}

}  // namespace dropnet
