#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/lrn.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// to_i = sum of from_j over i's window, for one sample. `between`: a plane of scratch.
template <class W, class Shape, class T>
void lrn_sums(const T* from, T* to, T* between) {
  const auto plane = [](auto* p, int c) { return array(p, std::size_t(c) * Shape::plane, std::size_t(c + 1) * Shape::plane); };
  for (int c = 0; c < Shape::channels; ++c) {
    auto sum = plane(to, c);
    if constexpr (std::is_same_v<typename W::Region, AcrossChannels>) {
      sum = plane(from, std::max(0, c - W::half));
      for (int j = std::max(0, c - W::half) + 1; j <= std::min(Shape::channels - 1, c + W::half); ++j) sum += plane(from, j);
    } else {
      // Along the rows, then along the columns.
      const auto in = matrix(from + std::size_t(c) * Shape::plane, Shape::height, Shape::width);
      auto rows = matrix(between, Shape::height, Shape::width), out = matrix(to + std::size_t(c) * Shape::plane, Shape::height, Shape::width);
      rows = in;
      for (int d = 1; d <= std::min(W::half, Shape::width - 1); ++d) {
        rows.leftCols(Shape::width - d) += in.rightCols(Shape::width - d);
        rows.rightCols(Shape::width - d) += in.leftCols(Shape::width - d);
      }
      out = rows;
      for (int d = 1; d <= std::min(W::half, Shape::height - 1); ++d) {
        out.topRows(Shape::height - d) += rows.bottomRows(Shape::height - d);
        out.bottomRows(Shape::height - d) += rows.topRows(Shape::height - d);
      }
    }
  }
}

/// scale^-beta; 0.75 is what all recipes have.
template <class Scale>
auto lrn_power(const Scale& scale, double beta) {
  using T = typename Scale::Scalar;
  Array<T> power(scale.size());
  if (beta == 0.75)
    power = (scale * scale.sqrt()).sqrt().inverse();
  else
    power = (scale.log() * T(-beta)).exp();
  return power;
}

}  // namespace detail

template <class W, class Shape, class T>
void lrn_forward(Cpu& cpu, W w, Blob<T, Shape> x, Blob<T, Shape> scale, Blob<T, Shape> y) {
  cpu.parallel(x.batch, x.size() * 16, [&](int n, int worker) {
    T* squares = cpu.scratch<T>(worker, Shape::size + Shape::plane);
    const auto in = detail::array(static_cast<const T*>(x.sample(n)), 0, Shape::size);
    auto s = detail::array(scale.sample(n), 0, Shape::size);
    detail::array(squares, 0, Shape::size) = in.square();
    detail::lrn_sums<W, Shape>(static_cast<const T*>(squares), scale.sample(n), squares + Shape::size);
    s = T(w.k) + T(w.share()) * s;
    detail::array(y.sample(n), 0, Shape::size) = in * detail::lrn_power(s, w.beta);
  });
}

/// dx_i = dy_i scale_i^-beta - 2 beta alpha / n x_i sum over j of dy_j x_j scale_j^(-beta - 1).
template <class W, class Shape, class T>
void lrn_backward(Cpu& cpu, W w, Blob<T, Shape> x, Blob<T, Shape> scale, Blob<T, Shape> y) {
  cpu.parallel(x.batch, x.size() * 24, [&](int n, int worker) {
    T* ratios = cpu.scratch<T>(worker, 2 * Shape::size + Shape::plane);
    const auto in = detail::array(static_cast<const T*>(x.sample(n)), 0, Shape::size);
    const auto s = detail::array(static_cast<const T*>(scale.sample(n)), 0, Shape::size);
    const auto dy = detail::array(static_cast<const T*>(y.sample_diff(n)), 0, Shape::size);
    const auto power = detail::lrn_power(s, w.beta);
    detail::array(ratios, 0, Shape::size) = dy * in * power / s;
    detail::lrn_sums<W, Shape>(static_cast<const T*>(ratios), ratios + Shape::size, ratios + 2 * Shape::size);
    const auto sums = detail::array(static_cast<const T*>(ratios), Shape::size, 2 * Shape::size);
    detail::put(detail::array(x.sample_diff(n), 0, Shape::size), dy * power - T(2 * w.beta * w.share()) * in * sums, x.add);
  });
}

}  // namespace dropnet
