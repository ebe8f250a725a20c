#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class Shape, class T>
void relu_forward(Reference&, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = x.data[i] <= 0 ? T(0) : x.data[i];
}

template <class Shape, class T>
void relu_backward(Reference&, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    const T d = x.data[i] > 0 ? y.diff[i] : T(0);
    x.diff[i] = x.add ? x.diff[i] + d : d;
  }
}

}  // namespace dropnet
