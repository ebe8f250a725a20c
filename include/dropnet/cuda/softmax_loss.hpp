#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

/// Adds the batch's -log softmax(y)[label] and its hits to the tally (of equal outputs the lower index is the greater);
/// y.diff, unless null, becomes (softmax(y) - onehot(label)) / batch.
inline void softmax_loss(Cuda& cuda, Values<float> y, const int* labels, int k, Tally* tally, int mean_of) {
  kernels::softmax_loss(cuda.stream(), y.batch, int(y.each), y.data, y.diff, labels, k, tally, mean_of);
}

}  // namespace dropnet
