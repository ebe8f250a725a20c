#pragma once

#include <algorithm>
#include <limits>

#include "dropnet/core/error.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/cuda/check.hpp"

namespace dropnet::cuda {

/// Milliseconds of the fastest of a few runs, or infinity if it does not run. What is short runs several times in a row, so
/// that its beginning and end weigh as little as among other work.
template <class Work>
float trial(Cuda& cuda, const Work& work) {
  struct Event {
    cudaEvent_t raw = nullptr;
    Event() { check(cudaEventCreate(&raw), "cudaEventCreate"); }
    ~Event() { cudaEventDestroy(raw); }
  } begin, end;
  constexpr int warm_up = 2, runs = 4;
  constexpr float enough = 0.1f;
  int in_a_row = 1;
  float best = std::numeric_limits<float>::infinity();
  try {
    for (int i = 0; i < warm_up + runs; ++i) {
      check(cudaEventRecord(begin.raw, cuda.stream()), "cudaEventRecord");
      for (int j = 0; j < in_a_row; ++j) work();
      check(cudaEventRecord(end.raw, cuda.stream()), "cudaEventRecord");
      check(cudaEventSynchronize(end.raw), "cudaEventSynchronize");
      float time = 0;
      check(cudaEventElapsedTime(&time, begin.raw, end.raw), "cudaEventElapsedTime");
      time /= float(in_a_row);
      if (i + 1 == warm_up && time > 0) in_a_row = std::clamp(int(enough / time), 1, 10);
      if (i >= warm_up && time < best) best = time;
    }
  } catch (const Error&) {
    cudaGetLastError();
    return std::numeric_limits<float>::infinity();
  }
  return best;
}

}  // namespace dropnet::cuda
