#pragma once

#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/lrn.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/cuda/resize.hpp"

namespace dropnet {

namespace cuda {

template <class Shape, class W>
kernels::Lrn lrn(W w) {
  return {planes<Shape>(), W::half, std::is_same_v<typename W::Region, AcrossChannels>, float(w.share()), float(w.beta), float(w.k)};
}

}  // namespace cuda

template <class W, class Shape>
void lrn_forward(Cuda& cuda, W w, Blob<float, Shape> x, Blob<float, Shape> roots, Blob<float, Shape> y) {
  kernels::lrn_forward(cuda.stream(), cuda::lrn<Shape>(w), x.batch, x.data, roots.data, y.data);
}

template <class W, class Shape>
void lrn_backward(Cuda& cuda, W w, Blob<float, Shape> x, Blob<float, Shape> roots, Blob<float, Shape> y) {
  kernels::lrn_backward(cuda.stream(), cuda::lrn<Shape>(w), x.batch, x.data, roots.data, y.diff, x.diff, x.add);
}

}  // namespace dropnet
