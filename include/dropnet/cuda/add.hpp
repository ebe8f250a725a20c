#pragma once

#include <array>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

template <class Shape, std::size_t N>
void add_forward(Cuda& cuda, const std::array<Blob<float, Shape>, N>& parts, Blob<float, Shape> y) {
  kernels::add(cuda.stream(), y.size(), parts[0].data, parts[1].data, y.data);
  for (std::size_t k = 2; k < N; ++k) kernels::add(cuda.stream(), y.size(), y.data, parts[k].data, y.data);
}

}  // namespace dropnet
