#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Add {
  std::uint32_t channels, plane;
  const float* bias;
  bool relu;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const float value = y[i] + bias[i / plane % channels];
    y[i] = relu && value <= 0 ? 0 : value;
  }
};

/// A block of threads sums one channel.
struct Gradient {
  using Sum = float;
  std::uint32_t size, channels, plane;  ///< size = batch * plane
  const float* dy;
  float* db;
  bool add;
  DROPNET_DEVICE float part(std::uint32_t c, unsigned thread) const {
    float sum = 0;
    for (std::uint32_t j = thread; j < size; j += threads_each) sum += dy[std::size_t(j / plane * channels + c) * plane + j % plane];
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, float sum) const { db[c] = add ? db[c] + sum : sum; }
};

/// Planes of one pixel lie beside each other: one thread per channel reads along with its neighbours.
struct PixelGradient {
  std::uint32_t batch, channels;
  const float* dy;
  float* db;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t c) const {
    float sum = 0;
    for (std::uint32_t n = 0; n < batch; ++n) sum += dy[std::size_t(n) * channels + c];
    db[c] = add ? db[c] + sum : sum;
  }
};

}  // namespace

void add_bias(Stream s, int batch, int channels, int plane, const float* bias, bool relu, float* y) {
  each(s, std::size_t(batch) * unsigned(channels) * unsigned(plane), Add{unsigned(channels), unsigned(plane), bias, relu, y});
}
void bias_gradient(Stream s, int batch, int channels, int plane, const float* dy, float* db, bool add) {
  if (plane == 1)
    each(s, unsigned(channels), PixelGradient{unsigned(batch), unsigned(channels), dy, db, add});
  else
    sums(s, unsigned(channels), Gradient{index_range(std::size_t(batch) * unsigned(plane)), unsigned(channels), unsigned(plane), dy, db, add});
}

}  // namespace dropnet::kernels
