#pragma once

#include <cstddef>

#include "dropnet/core/activation.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class Function, class Shape, class T>
void activation_forward(Reference&, Function f, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = f.value(x.data[i]);
}

template <class Function, class Shape, class T>
void activation_backward(Reference&, Function f, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const T d = y.diff[i] * f.slope(x.data[i]);
    x.diff[i] = x.add ? x.diff[i] + d : d;
  }
}

}  // namespace dropnet
