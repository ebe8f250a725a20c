#pragma once

#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <variant>

#include "dropnet/core/random.hpp"
#include "dropnet/network/architecture.hpp"

namespace dropnet {

/// Every value is `value`.
struct Constant {
  float value = 0;
  double operator()(const TensorInfo&, const Random&, std::size_t) const { return value; }
};
/// Normal with mean 0 and standard deviation `std`.
struct Gaussian {
  float std = 0.01f;
  double operator()(const TensorInfo&, const Random& r, std::size_t i) const { return std * r.normal(i); }
};
/// Uniform in [-s, s], s = sqrt(3 / fan_in): Caffe's "xavier", variance 1 / fan_in.
struct Xavier {
  double operator()(const TensorInfo& t, const Random& r, std::size_t i) const {
    return std::sqrt(3.0 / double(t.fan_in)) * (2 * r.uniform(i) - 1);
  }
};
/// Normal with standard deviation sqrt(2 / fan_in): Caffe's "msra".
struct Msra {
  double operator()(const TensorInfo& t, const Random& r, std::size_t i) const {
    return std::sqrt(2.0 / double(t.fan_in)) * r.normal(i);
  }
};

using Filler = std::variant<Constant, Gaussian, Xavier, Msra>;

/// How weights begin. Value i of a tensor is a pure function of (seed, the tensor's number, i).
struct Fill {
  Filler layers = Xavier{};
  std::optional<Filler> added{};  ///< for weights behind DropIn; as `layers` unless given
  Constant bias{};

  template <class T>
  void tensor(const TensorInfo& t, const Random& random, std::span<T> values) const {
    const Filler& filler = t.site >= 0 && added ? *added : layers;
    for (std::size_t i = 0; i < values.size(); ++i)
      values[i] = T(t.is_bias ? double(bias.value)
                              : std::visit([&](const auto& f) { return f(t, random, i); }, filler));
  }
};

}  // namespace dropnet
