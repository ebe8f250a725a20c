#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// Adds the batch's -log softmax(y)[label] and its hits to the tally (of equal outputs the lower index is the greater);
/// y.diff, unless null, becomes (softmax(y) - onehot(label)) / mean_of.
template <class T>
void softmax_loss(Reference&, Values<T> y, const int* labels, int k, Tally* tally, int mean_of) {
  double loss = 0;
  std::int64_t first = 0, within = 0;
  for (int n = 0; n < y.batch; ++n) {
    const T* z = y.sample(n);
    const std::size_t label = std::size_t(labels[n]);
    T top = z[0];
    for (std::size_t i = 1; i < y.each; ++i) top = z[i] > top ? z[i] : top;
    double sum = 0;
    int rank = 0;
    bool finite = true;
    for (std::size_t i = 0; i < y.each; ++i) {
      sum += std::exp(double(z[i] - top));
      rank += z[i] > z[label] || (z[i] == z[label] && i < label);
      finite = finite && std::isfinite(z[i]);
    }
    loss += std::log(sum) - double(z[label] - top);
    first += finite && rank < 1;
    within += finite && rank < k;
    if (y.diff)
      for (std::size_t i = 0; i < y.each; ++i)
        y.sample_diff(n)[i] = T((std::exp(double(z[i] - top)) / sum - (i == label)) / mean_of);
  }
  *tally += {loss, first, within, y.batch, 1, std::isfinite(tally->loss + loss)};
}

}  // namespace dropnet
