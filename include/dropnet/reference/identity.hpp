#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class Shape, class T>
void copy_forward(Reference&, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = x.data[i];
}

template <class Shape, class T>
void copy_backward(Reference&, Blob<T, Shape> x, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < x.size(); ++i) x.diff[i] = x.add ? x.diff[i] + y.diff[i] : y.diff[i];
}

}  // namespace dropnet
