#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

template <class Part, class Shape>
kernels::Slice slice(int batch, int channel) {
  return {std::uint32_t(batch), std::uint32_t(Part::size), std::uint32_t(Shape::size), std::uint32_t(channel) * std::uint32_t(Shape::plane)};
}

}  // namespace cuda

/// The part becomes y's channels from `channel` on.
template <class Part, class Shape>
void concat_forward(Cuda& cuda, Blob<float, Part> part, int channel, Blob<float, Shape> y) {
  kernels::concat_forward(cuda.stream(), cuda::slice<Part, Shape>(y.batch, channel), part.data, y.data);
}

template <class Part, class Shape>
void concat_backward(Cuda& cuda, Blob<float, Part> part, int channel, Blob<float, Shape> y) {
  kernels::concat_backward(cuda.stream(), cuda::slice<Part, Shape>(y.batch, channel), y.diff, part.diff, part.add);
}

}  // namespace dropnet
