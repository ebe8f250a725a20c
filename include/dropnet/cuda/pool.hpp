#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

template <class W>
kernels::Pooling pooling(W, int batch) {
  using In = typename W::in;
  using Out = typename W::out;
  return {std::uint32_t(batch) * std::uint32_t(In::channels), In::height, In::width, Out::height, Out::width, W::kernel, W::stride, W::pad};
}

}  // namespace cuda

template <class W>
void max_pool_forward(Cuda& cuda, W window, Blob<float, typename W::in> x, Blob<float, typename W::out> y, Index* indices) {
  kernels::max_pool_forward(cuda.stream(), cuda::pooling(window, x.batch), x.data, y.data, indices);
}

template <class W>
void max_pool_backward(Cuda& cuda, W window, Blob<float, typename W::in> x, Blob<float, typename W::out> y, const Index* indices) {
  kernels::max_pool_backward(cuda.stream(), cuda::pooling(window, x.batch), y.diff, indices, x.diff, x.add);
}

template <class W>
void average_pool_forward(Cuda& cuda, W window, Blob<float, typename W::in> x, Blob<float, typename W::out> y) {
  kernels::average_pool_forward(cuda.stream(), cuda::pooling(window, x.batch), x.data, y.data);
}

template <class W>
void average_pool_backward(Cuda& cuda, W window, Blob<float, typename W::in> x, Blob<float, typename W::out> y) {
  kernels::average_pool_backward(cuda.stream(), cuda::pooling(window, x.batch), y.diff, x.diff, x.add);
}

}  // namespace dropnet
