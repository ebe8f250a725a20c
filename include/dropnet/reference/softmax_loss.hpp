#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// Mean over the batch of -log softmax(y)[label]; y.diff, unless null, becomes (softmax(y) - onehot(label)) / batch.
/// results: the loss, samples whose label comes first, and whose label is among the k greatest
/// (of equal outputs the lower index is the greater).
template <class Shape, class T>
void softmax_loss(Reference&, Blob<T, Shape> y, const int* labels, int k, double* results) {
  double loss = 0, first = 0, within = 0;
  for (int n = 0; n < y.batch; ++n) {
    const T* z = y.sample(n);
    const std::size_t label = std::size_t(labels[n]);
    T top = z[0];
    for (std::size_t i = 1; i < Shape::size; ++i) top = z[i] > top ? z[i] : top;
    double sum = 0;
    int rank = 0;
    bool finite = true;
    for (std::size_t i = 0; i < Shape::size; ++i) {
      sum += std::exp(double(z[i] - top));
      rank += z[i] > z[label] || (z[i] == z[label] && i < label);
      finite = finite && std::isfinite(z[i]);
    }
    loss += std::log(sum) - double(z[label] - top);
    first += finite && rank < 1;
    within += finite && rank < k;
    if (y.diff)
      for (std::size_t i = 0; i < Shape::size; ++i)
        y.sample_diff(n)[i] = T((std::exp(double(z[i] - top)) / sum - (i == label)) / y.batch);
  }
  results[0] = loss / y.batch;
  results[1] = first;
  results[2] = within;
}

}  // namespace dropnet
