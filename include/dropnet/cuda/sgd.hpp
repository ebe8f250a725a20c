#pragma once

#include <span>

#include "dropnet/core/sgd_step.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

/// Changes nothing once the tally has diverged. The rate is that of the moment, which the kernel reads on the device.
inline void sgd_update(Cuda& cuda, const SgdStep& step, std::span<const SgdRange> ranges, float* w, const float* g, float* v, const Tally* tally) {
  double* sums = nullptr;
  if (step.clip > 0) sums = static_cast<double*>(cuda.scratch(kernels::sgd_sums(ranges.size()) * sizeof(double)));
  kernels::sgd_update(cuda.stream(), step, ranges.data(), ranges.size(), cuda.clock(), w, g, v, tally, sums);
}

}  // namespace dropnet
