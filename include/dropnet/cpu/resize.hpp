#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/interpolate.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// Resizing a plane is R x C^T: R interpolates rows, C columns.
template <class T>
RowMatrix<T> interpolation(int outputs, int inputs) {
  RowMatrix<T> m = RowMatrix<T>::Zero(outputs, inputs);
  for (int o = 0; o < outputs; ++o) {
    const auto at = interpolate(o, outputs, inputs);
    m(o, at.low) += T(1 - at.weight);
    m(o, at.high) += T(at.weight);
  }
  return m;
}

}  // namespace detail

template <class In, class Out, class T>
void resize_forward(Cpu& cpu, Blob<T, In> x, Blob<T, Out> y) {
  const auto rows = detail::interpolation<T>(Out::height, In::height);
  const auto columns = detail::interpolation<T>(Out::width, In::width);
  cpu.parallel(x.batch, y.size() * 8, [&](int n, int) {
    for (int c = 0; c < Out::channels; ++c) {
      auto to = detail::matrix<T>(y.sample(n) + std::size_t(c) * Out::plane, Out::height, Out::width);
      if (c < In::channels)
        to = rows * detail::matrix<T>(x.sample(n) + std::size_t(c) * In::plane, In::height, In::width) * columns.transpose();
      else
        to.setZero();
    }
  });
}

template <class In, class Out, class T>
void resize_backward(Cpu& cpu, Blob<T, In> x, Blob<T, Out> y) {
  const auto rows = detail::interpolation<T>(Out::height, In::height);
  const auto columns = detail::interpolation<T>(Out::width, In::width);
  cpu.parallel(x.batch, y.size() * 8, [&](int n, int) {
    for (int c = 0; c < In::channels; ++c) {
      auto to = detail::matrix<T>(x.sample_diff(n) + std::size_t(c) * In::plane, In::height, In::width);
      if (c >= Out::channels) {
        if (!x.add) to.setZero();
        continue;
      }
      const auto dy = detail::matrix<T>(y.sample_diff(n) + std::size_t(c) * Out::plane, Out::height, Out::width);
      if (x.add)
        to += rows.transpose() * dy * columns;
      else
        to = rows.transpose() * dy * columns;
    }
  });
}

}  // namespace dropnet
