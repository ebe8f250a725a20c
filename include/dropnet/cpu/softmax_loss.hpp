#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// Adds the batch's -log softmax(y)[label] and its hits to the tally (of equal outputs the lower index is the greater);
/// y.diff, unless null, becomes (softmax(y) - onehot(label)) / mean_of.
template <class T>
void softmax_loss(Cpu&, Values<T> y, const int* labels, int k, Tally* tally, int mean_of) {
  double loss = 0;
  std::int64_t first = 0, within = 0;
  detail::Array<double> exponentials = detail::Array<double>::Zero(std::ptrdiff_t(y.each));
  for (int n = 0; n < y.batch; ++n) {
    const auto z = detail::array(static_cast<const T*>(y.sample(n)), 0, y.each);
    const auto label = std::ptrdiff_t(labels[n]);
    const T top = z.maxCoeff();
    exponentials = (z - top).template cast<double>().exp();
    const double sum = exponentials.sum();
    loss += std::log(sum) - double(z[label] - top);
    if (z.isFinite().all()) {
      const auto rank = (z > z[label]).count() + (z.head(label) == z[label]).count();
      first += rank < 1;
      within += rank < k;
    }
    if (y.diff) {
      auto dy = detail::array(y.sample_diff(n), 0, y.each);
      exponentials /= sum;
      exponentials[label] -= 1;
      dy = (exponentials / double(mean_of)).template cast<T>();
    }
  }
  *tally += {loss, first, within, y.batch, 1, std::isfinite(tally->loss + loss)};
}

}  // namespace dropnet
