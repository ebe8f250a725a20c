#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "dropnet/cuda/backend.hpp"

namespace dropnet {

/// Whether none of the values is infinite or not a number.
inline bool all_finite(Cuda& cuda, const float* values, std::size_t count) {
  std::vector<float> here(count);
  cuda::check(cudaMemcpyAsync(here.data(), values, count * sizeof(float), cudaMemcpyDeviceToHost, cuda.stream()), "cudaMemcpyAsync");
  cuda.wait();
  return std::all_of(here.begin(), here.end(), [](float v) { return std::isfinite(v); });
}

}  // namespace dropnet
