#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// The channels of one pixel of one sample, and what normalises them.
struct Pixel {
  std::size_t first;
  std::uint32_t channels, plane;
  float top, sum;
  DROPNET_DEVICE Pixel(std::uint32_t i, std::uint32_t c, std::uint32_t p, const float* x)
      : first(std::size_t(i / p) * c * p + i % p), channels(c), plane(p), top(x[first]), sum(0) {
    for (std::uint32_t k = 1; k < channels; ++k) top = x[at(k)] > top ? x[at(k)] : top;
    for (std::uint32_t k = 0; k < channels; ++k) sum += std::exp(x[at(k)] - top);
  }
  DROPNET_DEVICE std::size_t at(std::uint32_t k) const { return first + std::size_t(k) * plane; }
  DROPNET_DEVICE float share(std::uint32_t k, const float* x) const { return std::exp(x[at(k)] - top) / sum; }
};

struct Forward {
  std::uint32_t channels, plane;
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Pixel pixel(i, channels, plane, x);
    for (std::uint32_t k = 0; k < channels; ++k) y[pixel.at(k)] = pixel.share(k, x);
  }
};
struct Backward {
  std::uint32_t channels, plane;
  const float *x, *dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Pixel pixel(i, channels, plane, x);
    float sum = 0;
    for (std::uint32_t k = 0; k < channels; ++k) sum += dy[pixel.at(k)] * pixel.share(k, x);
    for (std::uint32_t k = 0; k < channels; ++k) {
      const std::size_t to = pixel.at(k);
      const float d = pixel.share(k, x) * (dy[to] - sum);
      dx[to] = add ? dx[to] + d : d;
    }
  }
};

}  // namespace

void softmax_forward(Stream s, int batch, int channels, int plane, const float* x, float* y) {
  each(s, std::size_t(batch) * unsigned(plane), Forward{unsigned(channels), unsigned(plane), x, y});
}
void softmax_backward(Stream s, int batch, int channels, int plane, const float* x, const float* dy, float* dx, bool add) {
  each(s, std::size_t(batch) * unsigned(plane), Backward{unsigned(channels), unsigned(plane), x, dy, dx, add});
}

}  // namespace dropnet::kernels
