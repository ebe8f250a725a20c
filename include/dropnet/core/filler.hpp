#pragma once

#include <cmath>
#include <cstddef>
#include <variant>
#include <vector>

#include "dropnet/core/random.hpp"

namespace dropnet {

/// A weight tensor's shape, [out][in][row][column] or [out], and how many weights meet at an output and at an input.
struct TensorShape {
  std::vector<int> shape;
  std::size_t size = 0;     ///< values
  std::size_t fan_in = 0;   ///< 0 for a bias
  std::size_t fan_out = 0;  ///< 0 for a bias
};

/// By which number of connections Xavier and Msra scale: Caffe's variance_norm.
enum class Fan { in, out, average };
inline double fan_of(const TensorShape& t, Fan fan) {
  return fan == Fan::in ? double(t.fan_in) : fan == Fan::out ? double(t.fan_out) : (double(t.fan_in) + double(t.fan_out)) / 2;
}

// Fillers: value i of a tensor, a pure function of the tensor's shape, a stream of random words and i.

/// Every value is `value`.
struct Constant {
  float value = 0;
  double operator()(const TensorShape&, const Random&, std::size_t) const { return value; }
};
/// Uniform in [min, max].
struct Uniform {
  float min = 0;
  float max = 1;
  double operator()(const TensorShape&, const Random& r, std::size_t i) const { return min + (double(max) - min) * r.uniform(i); }
};
/// Normal with mean 0 and standard deviation `std`.
struct Gaussian {
  float std = 0.01f;
  double operator()(const TensorShape&, const Random& r, std::size_t i) const { return std * r.normal(i); }
};
/// Uniform in [-s, s], s = sqrt(3 / fan): Caffe's "xavier", variance 1 / fan.
struct Xavier {
  Fan fan = Fan::in;
  double operator()(const TensorShape& t, const Random& r, std::size_t i) const {
    return std::sqrt(3.0 / fan_of(t, fan)) * (2 * r.uniform(i) - 1);
  }
};
/// Normal with standard deviation sqrt(2 / fan): Caffe's "msra".
struct Msra {
  Fan fan = Fan::in;
  double operator()(const TensorShape& t, const Random& r, std::size_t i) const { return std::sqrt(2.0 / fan_of(t, fan)) * r.normal(i); }
};
/// Uniform in [0, 1], then scaled so that each output's weights sum to 1: Caffe's "positive_unitball".
struct PositiveUnitball {
  double operator()(const TensorShape&, const Random& r, std::size_t i) const { return r.uniform(i); }
  static constexpr bool sums_to_one = true;
};
/// Interpolates when used with a stride: (1 - |x / f - c|) (1 - |y / f - c|) with f = ceil(width / 2),
/// c = (2 f - 1 - f mod 2) / (2 f), the same for all channels: Caffe's "bilinear". For square kernels.
struct Bilinear {
  double operator()(const TensorShape& t, const Random&, std::size_t i) const {
    const int width = t.shape.empty() ? 1 : t.shape.back(), f = (width + 1) / 2;
    const double c = (2 * f - 1 - f % 2) / (2.0 * f);
    const auto side = [&](std::size_t x) { return 1 - std::abs(double(x) / f - c); };
    return side(i % std::size_t(width)) * side(i / std::size_t(width) % std::size_t(width));
  }
};

using Filler = std::variant<Constant, Uniform, Gaussian, Xavier, Msra, PositiveUnitball, Bilinear>;

}  // namespace dropnet
