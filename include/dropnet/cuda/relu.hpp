#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

template <class Shape>
void relu_forward(Cuda& cuda, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::relu_forward(cuda.stream(), x.size(), x.data, y.data);
}

template <class Shape>
void relu_backward(Cuda& cuda, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::relu_backward(cuda.stream(), x.size(), x.data, y.diff, x.diff, x.add);
}

}  // namespace dropnet
