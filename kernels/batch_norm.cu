#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// A channel's units, j < batch * plane, in the batch.
struct Channels {
  std::uint32_t count, channels, plane;
  explicit Channels(const BatchNorm& n)
      : count(index_range(std::size_t(n.batch) * unsigned(n.plane))), channels(unsigned(n.state.channels)), plane(unsigned(n.plane)) {}
  DROPNET_DEVICE std::size_t at(std::uint32_t c, std::uint32_t j) const { return (std::size_t(j / plane) * channels + c) * plane + j % plane; }
};

/// A block of threads sums one channel.
struct Mean {
  using Sum = float;
  BatchNorm n;
  Channels all;
  const float* x;
  DROPNET_DEVICE float part(std::uint32_t c, unsigned thread) const {
    float sum = 0;
    for (std::uint32_t j = thread; j < all.count; j += threads_each) sum += x[all.at(c, j)];
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, float sum) const { n.state.mean()[c] = sum / float(all.count); }
};

struct Variance {
  using Sum = float;
  BatchNorm n;
  Channels all;
  const float* x;
  DROPNET_DEVICE float part(std::uint32_t c, unsigned thread) const {
    const float mean = n.state.mean()[c];
    float sum = 0;
    for (std::uint32_t j = thread; j < all.count; j += threads_each) {
      const float d = x[all.at(c, j)] - mean;
      sum += d * d;
    }
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, float sum) const {
    n.state.variance()[c] = sum / float(all.count);
    n.state.inverse()[c] = 1 / std::sqrt(n.state.variance()[c] + n.epsilon);
  }
};

struct Running {
  BatchNorm n;
  DROPNET_DEVICE void operator()(std::uint32_t c) const {
    n.state.mean()[c] = n.mean[c];
    n.state.variance()[c] = n.variance[c];
    n.state.inverse()[c] = 1 / std::sqrt(n.variance[c] + n.epsilon);
  }
};

struct Normalize {
  BatchNorm n;
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const std::uint32_t c = i / unsigned(n.plane) % unsigned(n.state.channels);
    y[i] = (x[i] - n.state.mean()[c]) * (n.scale[c] * n.state.inverse()[c]) + n.shift[c];
  }
};

struct Pair {
  float sum, product;
  DROPNET_DEVICE Pair& operator+=(const Pair& other) {
    sum += other.sum;
    product += other.product;
    return *this;
  }
};

struct Sums {
  using Sum = Pair;
  BatchNorm n;
  Channels all;
  const float *x, *dy;
  BatchNormGradients to;
  float correction;
  DROPNET_DEVICE Pair part(std::uint32_t c, unsigned thread) const {
    const float mean = n.state.mean()[c];
    Pair sum{0, 0};
    for (std::uint32_t j = thread; j < all.count; j += threads_each) {
      const std::size_t i = all.at(c, j);
      sum += Pair{dy[i], dy[i] * (x[i] - mean)};
    }
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, const Pair& sum) const {
    n.state.sum()[c] = sum.sum;
    n.state.product()[c] = sum.product * n.state.inverse()[c];
    put(to.shift, c, sum.sum);
    put(to.scale, c, n.state.product()[c]);
    put(to.mean, c, n.state.mean()[c]);
    put(to.variance, c, n.state.variance()[c] * correction);
  }
  DROPNET_DEVICE void put(float* d, std::uint32_t c, float value) const {
    if (d) d[c] = to.add ? d[c] + value : value;
  }
};

struct Backward {
  BatchNorm n;
  float count;
  const float *x, *dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const std::uint32_t c = i / unsigned(n.plane) % unsigned(n.state.channels);
    const float inverse = n.state.inverse()[c], h = (x[i] - n.state.mean()[c]) * inverse;
    const float by_statistics = n.by_batch ? (n.state.sum()[c] + h * n.state.product()[c]) / count : 0;
    const float d = n.scale[c] * inverse * (dy[i] - by_statistics);
    dx[i] = add ? dx[i] + d : d;
  }
};

std::size_t size(const BatchNorm& n) { return std::size_t(n.batch) * unsigned(n.state.channels) * unsigned(n.plane); }

}  // namespace

void batch_norm_forward(Stream s, const BatchNorm& n, const float* x, float* y) {
  if (n.by_batch) {
    sums(s, unsigned(n.state.channels), Mean{n, Channels(n), x});
    sums(s, unsigned(n.state.channels), Variance{n, Channels(n), x});
  } else {
    each(s, unsigned(n.state.channels), Running{n});
  }
  each(s, size(n), Normalize{n, x, y});
}

void batch_norm_backward(Stream s, const BatchNorm& n, const float* x, const float* dy, float* dx, bool add, const BatchNormGradients& to) {
  const Channels all(n);
  sums(s, unsigned(n.state.channels), Sums{n, all, x, dy, to, n.by_batch ? float(unbiased(double(all.count))) : 1});
  if (dx) each(s, size(n), Backward{n, float(all.count), x, dy, dx, add});
}

}  // namespace dropnet::kernels
