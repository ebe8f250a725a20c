#pragma once

#include <cmath>
#include <cstdint>

namespace dropnet {

/// What the loss op has added up, batch after batch or slice after slice, since the tally was last taken.
struct Tally {
  double loss = 0;            ///< sum over the images of -log softmax(y)[label], or of |y - target|^2 / 2
  std::int64_t first = 0;     ///< images whose label has the greatest output
  std::int64_t within = 0;    ///< images whose label is among the k greatest
  std::int64_t images = 0;
  std::int64_t batches = 0;   ///< or slices of them
  std::int64_t finite = 0;    ///< of these, before the first whose loss is not finite

  double mean_loss() const { return loss / double(images); }
  double accuracy() const { return double(first) / double(images); }
  double top_k_accuracy() const { return double(within) / double(images); }
  /// Then SGD steps change nothing: the weights are those of before the first bad batch.
  constexpr bool diverged() const { return finite < batches; }

  Tally& operator+=(const Tally& other) {
    loss += other.loss;
    first += other.first;
    within += other.within;
    images += other.images;
    batches += other.batches;
    finite += other.finite;
    return *this;
  }
};

}  // namespace dropnet
