#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct ReluForward {
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const { y[i] = x[i] <= 0 ? 0 : x[i]; }
};

struct ReluBackward {
  const float *x, *dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const float d = x[i] > 0 ? dy[i] : 0;
    dx[i] = add ? dx[i] + d : d;
  }
};

}  // namespace

void relu_forward(Stream s, std::size_t size, const float* x, float* y) { each(s, size, ReluForward{x, y}); }
void relu_backward(Stream s, std::size_t size, const float* x, const float* dy, float* dx, bool add) {
  each(s, size, ReluBackward{x, dy, dx, add});
}

}  // namespace dropnet::kernels
