#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Forward {
  Slice at;
  const float* part;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const { y[std::size_t(i / at.part) * at.whole + at.begin + i % at.part] = part[i]; }
};

struct Backward {
  Slice at;
  const float* dy;
  float* dpart;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const float d = dy[std::size_t(i / at.part) * at.whole + at.begin + i % at.part];
    dpart[i] = add ? dpart[i] + d : d;
  }
};

}  // namespace

void concat_forward(Stream s, const Slice& at, const float* part, float* y) { each(s, std::size_t(at.samples) * at.part, Forward{at, part, y}); }
void concat_backward(Stream s, const Slice& at, const float* dy, float* dpart, bool add) {
  each(s, std::size_t(at.samples) * at.part, Backward{at, dy, dpart, add});
}

}  // namespace dropnet::kernels
