#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/gemm.hpp"

namespace dropnet {

namespace cuda {

template <class In, class Out>
void linear_forward(Cuda& cuda, bool relu, Blob<float, In> x, Weight<float> w, Weight<float> b, Blob<float, Out> y) {
  gemm(cuda, "fully connected layer", {.operands = kernels::Operands::nt, .rows = x.batch, .columns = int(Out::size), .terms = int(In::size), .relu = relu},
       {.a = x.data, .b = w.data, .bias = b.data, .c = y.data, .sums = nullptr});
}

}  // namespace cuda

template <class In, class Out>
void linear_forward(Cuda& cuda, Blob<float, In> x, Weight<float> w, Weight<float> b, Blob<float, Out> y) {
  cuda::linear_forward(cuda, false, x, w, b, y);
}

/// y = max(0, W x + b).
template <class In, class Out>
void linear_relu_forward(Cuda& cuda, Blob<float, In> x, Weight<float> w, Weight<float> b, Blob<float, Out> y) {
  cuda::linear_forward(cuda, true, x, w, b, y);
}

template <class In, class Out>
void linear_backward(Cuda& cuda, Blob<float, In> x, Weight<float> w, Weight<float> b, Blob<float, Out> y) {
  constexpr int inputs = int(In::size), outputs = int(Out::size);
  using kernels::Operands;
  const auto weights = [&] {
    const bool together = w.diff && b.diff && b.add == w.add;
    if (w.diff)
      cuda::gemm(cuda, "fully connected layer's weight gradient", {.operands = Operands::tn, .rows = outputs, .columns = inputs, .terms = x.batch, .add = w.add},
                 {.a = y.diff, .b = x.data, .bias = nullptr, .c = w.diff, .sums = together ? b.diff : nullptr});
    if (b.diff && !together) kernels::bias_gradient(cuda.stream(), x.batch, outputs, 1, y.diff, b.diff, b.add);
  };
  if (!x.diff) return weights();
  cuda.beside(weights);
  cuda::gemm(cuda, "fully connected layer's input gradient", {.operands = Operands::nn, .rows = x.batch, .columns = inputs, .terms = outputs, .add = x.add},
             {.a = y.diff, .b = w.data, .bias = nullptr, .c = x.diff, .sums = nullptr});
}

}  // namespace dropnet
