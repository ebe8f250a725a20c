#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// Mean over the batch of -log softmax(y)[label]; y.diff, unless null, becomes (softmax(y) - onehot(label)) / batch.
/// results: the loss, samples whose label comes first, and whose label is among the k greatest
/// (of equal outputs the lower index is the greater).
template <class Shape, class T>
void softmax_loss(Cpu&, Blob<T, Shape> y, const int* labels, int k, double* results) {
  double loss = 0, first = 0, within = 0;
  detail::Array<double> exponentials = detail::Array<double>::Zero(std::ptrdiff_t(Shape::size));
  for (int n = 0; n < y.batch; ++n) {
    const auto z = detail::array(static_cast<const T*>(y.sample(n)), 0, Shape::size);
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
      auto dy = detail::array(y.sample_diff(n), 0, Shape::size);
      exponentials /= sum;
      exponentials[label] -= 1;
      dy = (exponentials / double(y.batch)).template cast<T>();
    }
  }
  results[0] = loss / y.batch;
  results[1] = first;
  results[2] = within;
}

}  // namespace dropnet
