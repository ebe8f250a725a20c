#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

template <class Shape>
void dropout_forward(Cuda& cuda, double ratio, Random random, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::dropout_forward(cuda.stream(), x.size(), random, cuda.clock(), bernoulli_threshold(ratio), float(1 / (1 - ratio)), x.data, y.data);
}

template <class Shape>
void dropout_backward(Cuda& cuda, double ratio, Random random, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::dropout_backward(cuda.stream(), x.size(), random, cuda.clock(), bernoulli_threshold(ratio), float(1 / (1 - ratio)), y.diff, x.diff, x.add);
}

}  // namespace dropnet
