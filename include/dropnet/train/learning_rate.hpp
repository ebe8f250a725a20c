#pragma once

#include <cmath>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dropnet/core/error.hpp"

namespace dropnet {

// Caffe's learning-rate policies: pure functions of the number t of finished iterations.

/// base
struct Fixed {
  float base = 0.01f;
  double at(std::int64_t) const { return base; }
};
/// base gamma^floor(t / step)
struct Step {
  float base = 0.01f;
  float gamma = 0.1f;
  std::int64_t step = 100000;
  double at(std::int64_t t) const { return base * std::pow(double(gamma), double(t / step)); }
};
/// base gamma^(how many of the steps are at most t)
struct MultiStep {
  float base = 0.01f;
  float gamma = 0.1f;
  std::vector<std::int64_t> steps{};
  double at(std::int64_t t) const {
    int passed = 0;
    for (std::int64_t s : steps) passed += s <= t;
    return base * std::pow(double(gamma), passed);
  }
};
/// base (1 + gamma t)^-power: Caffe's "inv"
struct Inverse {
  float base = 0.01f;
  float gamma = 1e-4f;
  float power = 0.75f;
  double at(std::int64_t t) const { return base * std::pow(1 + double(gamma) * double(t), -double(power)); }
};

/// base gamma^t: Caffe's "exp"
struct Exponential {
  float base = 0.01f;
  float gamma = 0.999f;
  double at(std::int64_t t) const { return base * std::pow(double(gamma), double(t)); }
};
/// base (1 - t / iterations)^power, then 0: Caffe's "poly"
struct Polynomial {
  float base = 0.01f;
  float power = 1;
  std::int64_t iterations = 10000;
  double at(std::int64_t t) const { return t >= iterations ? 0 : base * std::pow(1 - double(t) / double(iterations), double(power)); }
};
/// base / (1 + exp(-gamma (t - step))), falling for gamma < 0: Caffe's "sigmoid"
struct SigmoidDecay {
  float base = 0.01f;
  float gamma = -0.01f;
  std::int64_t step = 1000;
  double at(std::int64_t t) const { return base / (1 + std::exp(-double(gamma) * double(t - step))); }
};

using RatePolicy = std::variant<Fixed, Step, MultiStep, Inverse, Exponential, Polynomial, SigmoidDecay>;

/// In the first `length` iterations the rate climbs in a straight line from the share `from` of `then`'s to all of it.
struct WarmUp {
  std::int64_t length = 0;
  float from = 0;
  RatePolicy then = Fixed{};
  double at(std::int64_t t) const {
    const double rate = std::visit([t](const auto& policy) { return policy.at(t); }, then);
    return t >= length ? rate : rate * (double(from) + (1 - double(from)) * double(t) / double(length));
  }
};

/// A policy, or a warm-up and a policy. (Not a variant of all of them: with the warm-up's own one that was a sixth of the
/// time that a compiler took to read dropnet.)
class LearningRate {
 public:
  LearningRate() = default;
  LearningRate(WarmUp warm_up) : whole_(std::move(warm_up)) {}
  template <class Policy>
    requires std::is_convertible_v<Policy, RatePolicy>
  LearningRate(Policy policy) : whole_{.then = std::move(policy)} {}

  double at(std::int64_t t) const { return whole_.at(t); }
  /// Of length 0 if there is no warm-up.
  const WarmUp& whole() const { return whole_; }

 private:
  WarmUp whole_;
};

inline double rate_at(const LearningRate& rate, std::int64_t t) { return rate.at(t); }

/// Throws Error if a policy cannot be evaluated.
inline void check(const LearningRate& rate) {
  const auto demand = [](bool holds, const char* what, std::string value, const char* range) {
    if (!holds) throw Error(std::string("dropnet: learning rate: ") + what + " is " + value + "; it must be " + range);
  };
  const WarmUp& whole = rate.whole();
  demand(whole.length >= 0, "length", std::to_string(whole.length), "at least 0 iterations");
  demand(whole.from >= 0 && whole.from <= 1, "from", std::to_string(whole.from), "in [0, 1]");
  std::visit([&](const auto& p) {
    using P = std::decay_t<decltype(p)>;
    demand(p.base >= 0, "base", std::to_string(p.base), "at least 0");
    if constexpr (std::is_same_v<P, Step>) demand(p.step >= 1, "step", std::to_string(p.step), "at least 1 iteration");
    if constexpr (std::is_same_v<P, Polynomial>) demand(p.iterations >= 1, "iterations", std::to_string(p.iterations), "at least 1");
  }, whole.then);
}

}  // namespace dropnet
