#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// One block for the whole batch: loss, gradient and the finite check in one launch.
struct SquaredLoss {
  using Sum = double;
  std::uint32_t batch, values;
  const float *y, *targets;
  float* dy;
  Tally* tally;
  float mean_of;
  DROPNET_DEVICE double part(std::uint32_t, unsigned thread) const {
    double sum = 0;
    for (std::uint32_t i = thread; i < values; i += threads_each) {
      const float difference = y[i] - targets[i];
      sum += double(difference) * double(difference) / 2;
      if (dy) dy[i] = difference / mean_of;
    }
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t, double sum) const {
    tally->loss += sum;
    tally->images += batch;
    tally->batches += 1;
    tally->finite += std::isfinite(tally->loss) ? 1 : 0;
  }
};

}  // namespace

void squared_loss(Stream s, int batch, int size, const float* y, const float* targets, float* dy, Tally* tally, int mean_of) {
  sums(s, 1, SquaredLoss{unsigned(batch), index_range(std::size_t(batch) * unsigned(size)), y, targets, dy, tally, float(mean_of)});
}

}  // namespace dropnet::kernels
