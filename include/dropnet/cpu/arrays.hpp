#pragma once

#include <Eigen/Core>
#include <cstddef>

#include "dropnet/core/tensor.hpp"

namespace dropnet {

namespace detail {

template <class T>
using Array = Eigen::Array<T, Eigen::Dynamic, 1>;

/// Memory from `begin` to `end` as an Eigen array, without a copy.
template <class T>
Eigen::Map<Array<T>> array(T* data, std::size_t begin, std::size_t end) {
  return {data + begin, std::ptrdiff_t(end - begin)};
}
template <class T>
Eigen::Map<const Array<T>> array(const T* data, std::size_t begin, std::size_t end) {
  return {data + begin, std::ptrdiff_t(end - begin)};
}

/// Memory as a row-major matrix, without a copy.
template <class T>
using RowMatrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
Eigen::Map<RowMatrix<T>> matrix(T* data, std::size_t rows, std::size_t columns) {
  return {data, std::ptrdiff_t(rows), std::ptrdiff_t(columns)};
}
template <class T>
Eigen::Map<const RowMatrix<T>> matrix(const T* data, std::size_t rows, std::size_t columns) {
  return {data, std::ptrdiff_t(rows), std::ptrdiff_t(columns)};
}

/// to = from, or to += from.
template <class To, class From>
void put(To to, const From& from, bool add) {
  if (add)
    to += from;
  else
    to = from;
}

}  // namespace detail

/// A tensor's own memory as an Eigen matrix, one sample [channel][row][column] per row.
template <class Shape, class T>
Eigen::Map<detail::RowMatrix<T>> eigen(Tensor<Shape, T>& tensor) {
  return detail::matrix(tensor.data(), std::size_t(tensor.batch()), Shape::size);
}
template <class Shape, class T>
Eigen::Map<const detail::RowMatrix<T>> eigen(const Tensor<Shape, T>& tensor) {
  return detail::matrix(tensor.data(), std::size_t(tensor.batch()), Shape::size);
}

}  // namespace dropnet
