#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

/// Adds the batch's |y - target|^2 / 2 to the tally; y.diff, unless null, becomes (y - target) / batch.
inline void squared_loss(Cuda& cuda, Values<float> y, const float* targets, Tally* tally, int mean_of) {
  kernels::squared_loss(cuda.stream(), y.batch, int(y.each), y.data, targets, y.diff, tally, mean_of);
}

}  // namespace dropnet
