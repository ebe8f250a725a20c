#include <cmath>

#include "dropnet/core/batch_norm.hpp"
#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// A channel's units, j < batch * plane, in the batch.
struct Channels {
  std::uint32_t count, channels, plane;
  explicit Channels(const BatchNorm& n)
      : count(index_range(std::size_t(n.batch) * unsigned(n.plane))), channels(unsigned(n.channels)), plane(unsigned(n.plane)) {}
  DROPNET_DEVICE std::size_t at(std::uint32_t c, std::uint32_t j) const { return (std::size_t(j / plane) * channels + c) * plane + j % plane; }
};

// The state's parts, as NormalizationState has them.
DROPNET_DEVICE float& mean_of(const BatchNorm& n, std::uint32_t c) { return n.state[c]; }
DROPNET_DEVICE float& inverse_of(const BatchNorm& n, std::uint32_t c) { return n.state[unsigned(n.channels) + c]; }
DROPNET_DEVICE float& variance_of(const BatchNorm& n, std::uint32_t c) { return n.state[2 * unsigned(n.channels) + c]; }
DROPNET_DEVICE float& sum_of(const BatchNorm& n, std::uint32_t c) { return n.state[3 * unsigned(n.channels) + c]; }
DROPNET_DEVICE float& product_of(const BatchNorm& n, std::uint32_t c) { return n.state[4 * unsigned(n.channels) + c]; }

/// A block of threads sums one channel.
struct Mean {
  using Sum = float;
  BatchNorm n;
  Channels all;
  const float* x;
  DROPNET_DEVICE float part(std::uint32_t c, unsigned thread) const {
    float sum = 0;
    for (std::uint32_t j = thread; j < all.count; j += team) sum += x[all.at(c, j)];
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, float sum) const { mean_of(n, c) = sum / float(all.count); }
};

struct Variance {
  using Sum = float;
  BatchNorm n;
  Channels all;
  const float* x;
  DROPNET_DEVICE float part(std::uint32_t c, unsigned thread) const {
    const float mean = mean_of(n, c);
    float sum = 0;
    for (std::uint32_t j = thread; j < all.count; j += team) {
      const float d = x[all.at(c, j)] - mean;
      sum += d * d;
    }
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, float sum) const {
    variance_of(n, c) = sum / float(all.count);
    inverse_of(n, c) = 1 / std::sqrt(variance_of(n, c) + n.epsilon);
  }
};

struct Running {
  BatchNorm n;
  DROPNET_DEVICE void operator()(std::uint32_t c) const {
    mean_of(n, c) = n.mean[c];
    variance_of(n, c) = n.variance[c];
    inverse_of(n, c) = 1 / std::sqrt(n.variance[c] + n.epsilon);
  }
};

struct Normalize {
  BatchNorm n;
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const std::uint32_t c = i / unsigned(n.plane) % unsigned(n.channels);
    y[i] = (x[i] - mean_of(n, c)) * (n.scale[c] * inverse_of(n, c)) + n.shift[c];
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
    const float mean = mean_of(n, c);
    Pair sum{0, 0};
    for (std::uint32_t j = thread; j < all.count; j += team) {
      const std::size_t i = all.at(c, j);
      sum += Pair{dy[i], dy[i] * (x[i] - mean)};
    }
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t c, const Pair& sum) const {
    sum_of(n, c) = sum.sum;
    product_of(n, c) = sum.product * inverse_of(n, c);
    put(to.shift, c, sum.sum);
    put(to.scale, c, product_of(n, c));
    put(to.mean, c, mean_of(n, c));
    put(to.variance, c, variance_of(n, c) * correction);
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
    const std::uint32_t c = i / unsigned(n.plane) % unsigned(n.channels);
    const float inverse = inverse_of(n, c), h = (x[i] - mean_of(n, c)) * inverse;
    const float by_statistics = n.by_batch ? (sum_of(n, c) + h * product_of(n, c)) / count : 0;
    const float d = n.scale[c] * inverse * (dy[i] - by_statistics);
    dx[i] = add ? dx[i] + d : d;
  }
};

std::size_t size(const BatchNorm& n) { return std::size_t(n.batch) * unsigned(n.channels) * unsigned(n.plane); }

}  // namespace

void batch_norm_forward(Stream s, const BatchNorm& n, const float* x, float* y) {
  if (n.by_batch) {
    sums(s, unsigned(n.channels), Mean{n, Channels(n), x});
    sums(s, unsigned(n.channels), Variance{n, Channels(n), x});
  } else {
    each(s, unsigned(n.channels), Running{n});
  }
  each(s, size(n), Normalize{n, x, y});
}

void batch_norm_backward(Stream s, const BatchNorm& n, const float* x, const float* dy, float* dx, bool add, const BatchNormGradients& to) {
  const Channels all(n);
  sums(s, unsigned(n.channels), Sums{n, all, x, dy, to, n.by_batch ? float(unbiased(double(all.count))) : 1});
  if (dx) each(s, size(n), Backward{n, float(all.count), x, dy, dx, add});
}

}  // namespace dropnet::kernels
