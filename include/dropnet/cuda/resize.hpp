#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

template <class Shape>
constexpr kernels::Planes planes() { return {Shape::channels, Shape::height, Shape::width}; }

}  // namespace cuda

template <class In, class Out>
void resize_forward(Cuda& cuda, Blob<float, In> x, Blob<float, Out> y) {
  kernels::resize_forward(cuda.stream(), x.batch, cuda::planes<In>(), cuda::planes<Out>(), x.data, y.data);
}

template <class In, class Out>
void resize_backward(Cuda& cuda, Blob<float, In> x, Blob<float, Out> y) {
  kernels::resize_backward(cuda.stream(), x.batch, cuda::planes<In>(), cuda::planes<Out>(), y.diff, x.diff, x.add);
}

}  // namespace dropnet
