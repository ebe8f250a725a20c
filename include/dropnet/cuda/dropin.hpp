#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

template <class Shape>
kernels::Sites sites(const Cuda& cuda, const Mix& mix, int batch) {
  return {mix.kind, cuda.site(mix.random.number()), mix.random, cuda.clock(), std::uint32_t(batch), std::uint32_t(Shape::size)};
}

}  // namespace cuda

/// y holds v; what is not let in becomes u. How much is let in, the kernels read on the device.
template <class Shape>
void dropin_forward(Cuda& cuda, const Mix& mix, Blob<float, Shape> u, Blob<float, Shape> y) {
  kernels::dropin_forward(cuda.stream(), cuda::sites<Shape>(cuda, mix, u.batch), u.data, y.data);
}

/// Splits y.diff into u.diff (unless it is null) and, in place, v's gradient.
template <class Shape>
void dropin_backward(Cuda& cuda, const Mix& mix, Blob<float, Shape> u, Blob<float, Shape> y) {
  kernels::dropin_backward(cuda.stream(), cuda::sites<Shape>(cuda, mix, u.batch), u.diff, u.add, y.diff);
}

}  // namespace dropnet
