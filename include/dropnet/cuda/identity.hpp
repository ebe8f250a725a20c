#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

template <class Shape>
void copy_forward(Cuda& cuda, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::copy(cuda.stream(), x.size(), x.data, y.data, false);
}

template <class Shape>
void copy_backward(Cuda& cuda, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::copy(cuda.stream(), x.size(), y.diff, x.diff, x.add);
}

}  // namespace dropnet
