#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "dropnet/cuda/backend.hpp"

namespace dropnet {

/// The Euclidean norm. Summed on the host, for it is asked for seldom.
inline double norm(Cuda& cuda, const float* values, std::size_t count) {
  std::vector<float> here(count);
  cuda::check(cudaMemcpyAsync(here.data(), values, count * sizeof(float), cudaMemcpyDeviceToHost, cuda.stream()), "cudaMemcpyAsync");
  cuda.wait();
  double sum = 0;
  for (const float v : here) sum += double(v) * double(v);
  return std::sqrt(sum);
}

}  // namespace dropnet
