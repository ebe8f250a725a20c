#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/core/batch_norm.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// Channel c of sample n.
template <class Shape, class T>
auto channel(T* values, int n, int c) {
  const std::size_t begin = (std::size_t(n) * Shape::channels + std::size_t(c)) * Shape::plane;
  return array(values, begin, begin + Shape::plane);
}

}  // namespace detail

template <class Shape, class T>
void batch_norm_forward(Cpu& cpu, Normalization how, Blob<T, Shape> x, NormalizationWeights<T> w, NormalizationState<T> state,
                        Blob<T, Shape> y) {
  const T count = T(x.batch) * T(Shape::plane);
  cpu.parallel(Shape::channels, 4 * x.size(), [&](int c, int) {
    const auto of = [&](int n) { return detail::channel<Shape>(static_cast<const T*>(x.data), n, c); };
    T mean = 0, variance = 0;
    if (how.by_batch) {
      for (int n = 0; n < x.batch; ++n) mean += of(n).sum();
      mean /= count;
      for (int n = 0; n < x.batch; ++n) variance += (of(n) - mean).square().sum();
      variance /= count;
    } else {
      mean = w.mean.data[c];
      variance = w.variance.data[c];
    }
    const T inverse = 1 / std::sqrt(variance + T(how.epsilon)), factor = w.scale.data[c] * inverse, shift = w.shift.data[c];
    state.mean()[c] = mean;
    state.inverse()[c] = inverse;
    state.variance()[c] = variance;
    for (int n = 0; n < x.batch; ++n) detail::channel<Shape>(y.data, n, c) = (of(n) - mean) * factor + shift;
  });
}

/// With h = (x - mean) inverse: dweight = sum dy h, dbias = sum dy, dx = weight inverse (dy - (dbias + h dweight) / count),
/// or weight inverse dy where the statistics are the running ones. The running ones' gradients are what they follow.
template <class Shape, class T>
void batch_norm_backward(Cpu& cpu, Normalization how, Blob<T, Shape> x, NormalizationWeights<T> w, NormalizationState<T> state,
                         Blob<T, Shape> y) {
  const T count = T(x.batch) * T(Shape::plane);
  const auto put = [](Weight<T> to, int c, T value) {
    if (to.diff) to.diff[c] = to.add ? to.diff[c] + value : value;
  };
  cpu.parallel(Shape::channels, 6 * x.size(), [&](int c, int) {
    const auto of = [&](int n) { return detail::channel<Shape>(static_cast<const T*>(x.data), n, c); };
    const auto gradient = [&](int n) { return detail::channel<Shape>(static_cast<const T*>(y.diff), n, c); };
    const T mean = state.mean()[c], inverse = state.inverse()[c];
    T sum = 0, product = 0;
    for (int n = 0; n < x.batch; ++n) {
      sum += gradient(n).sum();
      product += (gradient(n) * (of(n) - mean)).sum();
    }
    product *= inverse;
    put(w.shift, c, sum);
    put(w.scale, c, product);
    put(w.mean, c, mean);
    put(w.variance, c, how.by_batch ? state.variance()[c] * T(unbiased(double(count))) : state.variance()[c]);
    if (!x.diff) return;
    const T factor = w.scale.data[c] * inverse, constant = how.by_batch ? factor * sum / count : T(0),
            slope = how.by_batch ? factor * inverse * product / count : T(0);
    for (int n = 0; n < x.batch; ++n)
      detail::put(detail::channel<Shape>(x.diff, n, c), factor * gradient(n) - constant - slope * (of(n) - mean), x.add);
  });
}

}  // namespace dropnet
