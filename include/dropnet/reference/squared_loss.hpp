#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// Adds the batch's |y - target|^2 / 2 to the tally; y.diff, unless null, becomes (y - target) / mean_of. Caffe's
/// EuclideanLoss, summed where Caffe has the mean.
template <class T>
void squared_loss(Reference&, Values<T> y, const T* targets, Tally* tally, int mean_of) {
  double loss = 0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    const T difference = y.data[i] - targets[i];
    loss += double(difference) * double(difference) / 2;
    if (y.diff) y.diff[i] = difference / T(mean_of);
  }
  *tally += {loss, 0, 0, y.batch, 1, std::isfinite(tally->loss + loss)};
}

}  // namespace dropnet
