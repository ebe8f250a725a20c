#pragma once

#include <cmath>

#include "dropnet/core/batch_norm.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

namespace detail {

/// Calls visit(index in the batch) for each unit of channel c.
template <class X, class Visit>
void each_of_channel(const X& x, int c, Visit visit) {
  using Shape = typename X::shape;
  for (int n = 0; n < x.batch; ++n)
    for (std::size_t i = 0; i < Shape::plane; ++i) visit((std::size_t(n) * Shape::channels + std::size_t(c)) * Shape::plane + i);
}

}  // namespace detail

template <class Shape, class T>
void batch_norm_forward(Reference&, Normalization how, Blob<T, Shape> x, NormalizationWeights<T> w, NormalizationState<T> state,
                        Blob<T, Shape> y) {
  const T count = T(x.batch) * T(Shape::plane);
  for (int c = 0; c < Shape::channels; ++c) {
    T mean = 0, variance = 0;
    if (how.by_batch) {
      detail::each_of_channel(x, c, [&](std::size_t i) { mean += x.data[i] / count; });
      detail::each_of_channel(x, c, [&](std::size_t i) { variance += (x.data[i] - mean) * (x.data[i] - mean) / count; });
    } else {
      mean = w.mean.data[c];
      variance = w.variance.data[c];
    }
    const T inverse = 1 / std::sqrt(variance + T(how.epsilon));
    state.mean()[c] = mean;
    state.inverse()[c] = inverse;
    state.variance()[c] = variance;
    detail::each_of_channel(x, c, [&](std::size_t i) { y.data[i] = w.scale.data[c] * (x.data[i] - mean) * inverse + w.shift.data[c]; });
  }
}

/// With h = (x - mean) inverse: dweight = sum dy h, dbias = sum dy, dx = weight inverse (dy - (dbias + h dweight) / count),
/// or weight inverse dy where the statistics are the running ones. The running ones' gradients are what they follow.
template <class Shape, class T>
void batch_norm_backward(Reference&, Normalization how, Blob<T, Shape> x, NormalizationWeights<T> w, NormalizationState<T> state,
                         Blob<T, Shape> y) {
  const T count = T(x.batch) * T(Shape::plane);
  const auto put = [](Weight<T> to, int c, T value) {
    if (to.diff) to.diff[c] = to.add ? to.diff[c] + value : value;
  };
  for (int c = 0; c < Shape::channels; ++c) {
    const T mean = state.mean()[c], inverse = state.inverse()[c];
    T sum = 0, product = 0;
    detail::each_of_channel(x, c, [&](std::size_t i) {
      sum += y.diff[i];
      product += y.diff[i] * (x.data[i] - mean) * inverse;
    });
    put(w.shift, c, sum);
    put(w.scale, c, product);
    put(w.mean, c, mean);
    put(w.variance, c, how.by_batch ? state.variance()[c] * T(unbiased(double(count))) : state.variance()[c]);
    if (!x.diff) continue;
    detail::each_of_channel(x, c, [&](std::size_t i) {
      const T by_statistics = how.by_batch ? (sum + (x.data[i] - mean) * inverse * product) / count : T(0);
      const T d = w.scale.data[c] * inverse * (y.diff[i] - by_statistics);
      x.diff[i] = x.add ? x.diff[i] + d : d;
    });
  }
}

}  // namespace dropnet
