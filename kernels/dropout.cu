#include <cmath>

#include "random.hpp"

namespace dropnet::kernels {

namespace {

/// DropoutRatio::at, which is the host's.
DROPNET_DEVICE double ratio_at(const DropoutRatio& r, std::uint64_t iteration) {
  const auto t = std::int64_t(iteration) - r.start;
  if (t <= 0) return r.length > 0 || t < 0 ? r.from : r.to;
  return t >= r.length ? r.to : ::fma(r.to - r.from, double(t) / double(r.length), r.from);
}

struct Dropout {
  Random random;
  const Clock* clock;
  DropoutRatio schedule;
  std::uint32_t size;
  const float* from;
  float* to;
  bool add;
  struct Visit {
    const Dropout& d;
    std::uint64_t threshold;
    float scale;
    DROPNET_DEVICE void operator()(std::uint32_t i, std::uint32_t word) const {
      const float value = word < threshold ? 0 : d.from[i] * scale;
      d.to[i] = d.add ? d.to[i] + value : value;
    }
  };
  DROPNET_DEVICE void operator()(std::uint32_t block) const {
    const double ratio = ratio_at(schedule, clock->iteration);
    four_words(random, clock, block, size, Visit{*this, bernoulli_threshold(ratio), float(1 / (1 - ratio))});
  }
};

}  // namespace

void dropout_forward(Stream s, std::size_t size, Random random, const Clock* clock, const DropoutRatio& ratio, const float* x, float* y) {
  each(s, fours(size), Dropout{random, clock, ratio, index_range(size), x, y, false});
}
void dropout_backward(Stream s, std::size_t size, Random random, const Clock* clock, const DropoutRatio& ratio, const float* dy, float* dx,
                      bool add) {
  each(s, fours(size), Dropout{random, clock, ratio, index_range(size), dy, dx, add});
}

}  // namespace dropnet::kernels
