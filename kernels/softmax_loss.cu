#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct LossSum {
  double loss;
  std::uint32_t first, within;
  DROPNET_DEVICE LossSum& operator+=(const LossSum& other) {
    loss += other.loss;
    first += other.first;
    within += other.within;
    return *this;
  }
};

/// One block for the whole batch, a thread per sample: loss, gradient, hits and the finite check in one launch.
struct SoftmaxLoss {
  using Sum = LossSum;
  std::uint32_t batch, classes;
  const float* y;
  float* dy;
  const int* labels;
  int k;
  Tally* tally;
  float mean_of;
  DROPNET_DEVICE Sum part(std::uint32_t, unsigned thread) const {
    Sum sum{0, 0, 0};
    for (std::uint32_t n = thread; n < batch; n += threads_each) sum += sample(n);
    return sum;
  }
  DROPNET_DEVICE Sum sample(std::uint32_t n) const {
    const float* z = y + std::size_t(n) * classes;
    const auto label = std::uint32_t(labels[n]);
    float top = z[0];
    for (std::uint32_t i = 1; i < classes; ++i) top = z[i] > top ? z[i] : top;
    float sum = 0;
    int rank = 0;
    bool finite = true;
    for (std::uint32_t i = 0; i < classes; ++i) {
      sum += std::exp(z[i] - top);
      rank += z[i] > z[label] || (z[i] == z[label] && i < label);
      finite = finite && std::isfinite(z[i]);
    }
    if (dy)
      for (std::uint32_t i = 0; i < classes; ++i)
        dy[std::size_t(n) * classes + i] = (std::exp(z[i] - top) / sum - (i == label ? 1.0f : 0.0f)) / mean_of;
    return {std::log(double(sum)) - double(z[label] - top), finite && rank < 1, finite && rank < k};
  }
  DROPNET_DEVICE void finish(std::uint32_t, const Sum& sum) const {
    tally->loss += sum.loss;
    tally->first += sum.first;
    tally->within += sum.within;
    tally->images += batch;
    tally->batches += 1;
    tally->finite += std::isfinite(tally->loss) ? 1 : 0;
  }
};

}  // namespace

void softmax_loss(Stream s, int batch, int classes, const float* y, float* dy, const int* labels, int k, Tally* tally, int mean_of) {
  sums(s, 1, SoftmaxLoss{unsigned(batch), unsigned(classes), y, dy, labels, k, tally, float(mean_of)});
}

}  // namespace dropnet::kernels
