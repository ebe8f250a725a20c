#pragma once

#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/dropout.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

/// The kernels find the ratio of the iteration on the device.
template <class Shape>
void dropout_forward(Cuda& cuda, const DropoutRatio& ratio, std::uint64_t, Random random, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::dropout_forward(cuda.stream(), x.size(), random, cuda.clock(), ratio, x.data, y.data);
}

template <class Shape>
void dropout_backward(Cuda& cuda, const DropoutRatio& ratio, std::uint64_t, Random random, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::dropout_backward(cuda.stream(), x.size(), random, cuda.clock(), ratio, y.diff, x.diff, x.add);
}

}  // namespace dropnet
