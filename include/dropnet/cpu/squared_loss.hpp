#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// Adds the batch's |y - target|^2 / 2 to the tally; y.diff, unless null, becomes (y - target) / mean_of. Caffe's
/// EuclideanLoss, summed where Caffe has the mean.
template <class T>
void squared_loss(Cpu&, Values<T> y, const T* targets, Tally* tally, int mean_of) {
  const auto difference = detail::array(static_cast<const T*>(y.data), 0, y.size()) - detail::array(targets, 0, y.size());
  const double loss = difference.template cast<double>().square().sum() / 2;
  if (y.diff) detail::array(y.diff, 0, y.size()) = difference / T(mean_of);
  *tally += {loss, 0, 0, y.batch, 1, std::isfinite(tally->loss + loss)};
}

}  // namespace dropnet
