#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

template <class In, class Out, int K, int S, int P>
kernels::Pooling pooling(Window<In, Out, K, S, P>, int batch) {
  return {std::uint32_t(batch) * std::uint32_t(In::channels), In::height, In::width, Out::height, Out::width, K, S, P};
}

}  // namespace cuda

template <class In, class Out, int K, int S, int P>
void max_pool_forward(Cuda& cuda, Window<In, Out, K, S, P> window, Blob<float, In> x, Blob<float, Out> y, Index* indices) {
  kernels::max_pool_forward(cuda.stream(), cuda::pooling(window, x.batch), x.data, y.data, indices);
}

template <class In, class Out, int K, int S, int P>
void max_pool_backward(Cuda& cuda, Window<In, Out, K, S, P> window, Blob<float, In> x, Blob<float, Out> y, const Index* indices) {
  kernels::max_pool_backward(cuda.stream(), cuda::pooling(window, x.batch), y.diff, indices, x.diff, x.add);
}

}  // namespace dropnet
