#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

DROPNET_DEVICE float value(const Activation& f, float x) {
  switch (f.kind) {
    case Activation::leaky_relu: return x > 0 ? x : f.leak * x;
    case Activation::sigmoid: return 1 / (1 + std::exp(-x));
    default: return std::tanh(x);
  }
}
DROPNET_DEVICE float slope(const Activation& f, float x) {
  if (f.kind == Activation::leaky_relu) return x > 0 ? 1 : f.leak;
  const float y = value(f, x);
  return f.kind == Activation::sigmoid ? y * (1 - y) : 1 - y * y;
}

struct Forward {
  Activation f;
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const { y[i] = value(f, x[i]); }
};
struct Backward {
  Activation f;
  const float *x, *dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const float d = dy[i] * slope(f, x[i]);
    dx[i] = add ? dx[i] + d : d;
  }
};

}  // namespace

void activation_forward(Stream s, Activation f, std::size_t size, const float* x, float* y) { each(s, size, Forward{f, x, y}); }
void activation_backward(Stream s, Activation f, std::size_t size, const float* x, const float* dy, float* dx, bool add) {
  each(s, size, Backward{f, x, dy, dx, add});
}

}  // namespace dropnet::kernels
