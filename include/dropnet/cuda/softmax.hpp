#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

template <class Shape>
void softmax_forward(Cuda& cuda, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::softmax_forward(cuda.stream(), x.batch, Shape::channels, int(Shape::plane), x.data, y.data);
}

template <class Shape>
void softmax_backward(Cuda& cuda, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::softmax_backward(cuda.stream(), x.batch, Shape::channels, int(Shape::plane), x.data, y.diff, x.diff, x.add);
}

}  // namespace dropnet
