#pragma once

#include "dropnet/core/batch_norm.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

template <class Shape>
kernels::BatchNorm batch_norm(Normalization how, int batch, const NormalizationWeights<float>& w, NormalizationState<float> state) {
  return {batch, int(Shape::plane), float(how.epsilon), how.by_batch, w.scale.data, w.shift.data, w.mean.data, w.variance.data,
          state};
}

}  // namespace cuda

template <class Shape>
void batch_norm_forward(Cuda& cuda, Normalization how, Blob<float, Shape> x, NormalizationWeights<float> w,
                        NormalizationState<float> state, Blob<float, Shape> y) {
  kernels::batch_norm_forward(cuda.stream(), cuda::batch_norm<Shape>(how, x.batch, w, state), x.data, y.data);
}

template <class Shape>
void batch_norm_backward(Cuda& cuda, Normalization how, Blob<float, Shape> x, NormalizationWeights<float> w,
                         NormalizationState<float> state, Blob<float, Shape> y) {
  const kernels::BatchNormGradients gradients{w.scale.diff, w.shift.diff, w.mean.diff, w.variance.diff, w.scale.add};
  kernels::batch_norm_backward(cuda.stream(), cuda::batch_norm<Shape>(how, x.batch, w, state), x.data, y.diff, x.diff, x.add, gradients);
}

}  // namespace dropnet
