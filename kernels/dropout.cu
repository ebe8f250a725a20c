#include "random.hpp"

namespace dropnet::kernels {

namespace {

struct Dropout {
  Random random;
  const Clock* clock;
  std::uint64_t threshold;
  float scale;
  std::uint32_t size;
  const float* from;
  float* to;
  bool add;
  struct Visit {
    const Dropout& d;
    DROPNET_DEVICE void operator()(std::uint32_t i, std::uint32_t word) const {
      const float value = word < d.threshold ? 0 : d.from[i] * d.scale;
      d.to[i] = d.add ? d.to[i] + value : value;
    }
  };
  DROPNET_DEVICE void operator()(std::uint32_t block) const { four_words(random, clock, block, size, Visit{*this}); }
};

}  // namespace

void dropout_forward(Stream s, std::size_t size, Random random, const Clock* clock, std::uint64_t threshold, float scale, const float* x,
                     float* y) {
  each(s, fours(size), Dropout{random, clock, threshold, scale, index_range(size), x, y, false});
}
void dropout_backward(Stream s, std::size_t size, Random random, const Clock* clock, std::uint64_t threshold, float scale, const float* dy,
                      float* dx, bool add) {
  each(s, fours(size), Dropout{random, clock, threshold, scale, index_range(size), dy, dx, add});
}

}  // namespace dropnet::kernels
