#pragma once

#include <string>

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

/// C = A B, or C += A B, of row-major matrices: C rows x columns, A rows x inner, B inner x columns; a transposed one
/// lies in memory the other way round.
inline void multiply(Cuda& cuda, const char* what, int rows, int columns, int inner, const float* a, bool a_transposed, const float* b,
                     bool b_transposed, float* c, bool add) {
  // To cuBLAS, which counts by columns, these are the transposes: C^T = B^T A^T.
  const float one = 1, beta = add ? 1.0f : 0.0f;
  const Cublas& cublas = cuda.cublas();
  const auto status = cublas.sgemm(cuda.cublas_handle(), b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, columns,
                                   rows, inner, &one, b, b_transposed ? inner : columns, a, a_transposed ? rows : inner, &beta, c, columns);
  if (status != CUBLAS_STATUS_SUCCESS)
    cublas.check(status, "cublasSgemm", std::string(what) + ", " + std::to_string(rows) + "x" + std::to_string(inner) + " times " +
                                            std::to_string(inner) + "x" + std::to_string(columns));
}

}  // namespace cuda

template <class In, class Out>
void linear_forward(Cuda& cuda, Blob<float, In> x, Weight<float> w, Weight<float> b, Blob<float, Out> y) {
  constexpr int inputs = int(In::size), outputs = int(Out::size);
  cuda::multiply(cuda, "fully connected layer", x.batch, outputs, inputs, x.data, false, w.data, true, y.data, false);
  kernels::add_bias(cuda.stream(), x.batch, outputs, 1, b.data, y.data);
}

template <class In, class Out>
void linear_backward(Cuda& cuda, Blob<float, In> x, Weight<float> w, Weight<float> b, Blob<float, Out> y) {
  constexpr int inputs = int(In::size), outputs = int(Out::size);
  const auto weights = [&] {
    if (w.diff) cuda::multiply(cuda, "fully connected layer's weight gradient", outputs, inputs, x.batch, y.diff, true, x.data, false, w.diff, w.add);
    if (b.diff) kernels::bias_gradient(cuda.stream(), x.batch, outputs, 1, y.diff, b.diff, b.add);
  };
  if (!x.diff) return weights();
  cuda.beside(weights);
  cuda::multiply(cuda, "fully connected layer's input gradient", x.batch, inputs, outputs, y.diff, false, w.data, false, x.diff, x.add);
}

}  // namespace dropnet
