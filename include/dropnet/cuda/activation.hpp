#pragma once

#include "dropnet/core/activation.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

inline kernels::Activation activation(LeakyReluFunction f) { return {kernels::Activation::leaky_relu, f.leak}; }
inline kernels::Activation activation(SigmoidFunction) { return {kernels::Activation::sigmoid, 0}; }
inline kernels::Activation activation(TanhFunction) { return {kernels::Activation::tanh, 0}; }

}  // namespace cuda

template <class Function, class Shape>
void activation_forward(Cuda& cuda, Function f, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::activation_forward(cuda.stream(), cuda::activation(f), x.size(), x.data, y.data);
}

template <class Function, class Shape>
void activation_backward(Cuda& cuda, Function f, Blob<float, Shape> x, Blob<float, Shape> y) {
  kernels::activation_backward(cuda.stream(), cuda::activation(f), x.size(), x.data, y.diff, x.diff, x.add);
}

}  // namespace dropnet
