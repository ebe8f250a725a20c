#pragma once

#include <cmath>
#include <cstdint>
#include <string>
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

using LearningRate = std::variant<Fixed, Step, MultiStep, Inverse>;

inline double rate_at(const LearningRate& rate, std::int64_t t) {
  return std::visit([t](const auto& policy) { return policy.at(t); }, rate);
}

/// Throws Error if a policy cannot be evaluated.
inline void check(const LearningRate& rate) {
  std::visit([](const auto& policy) {
    if (!(policy.base >= 0))
      throw Error("dropnet: learning rate: base is " + std::to_string(policy.base) + "; it must be at least 0");
  }, rate);
  if (const Step* s = std::get_if<Step>(&rate); s && s->step < 1)
    throw Error("dropnet: learning rate: step is " + std::to_string(s->step) + "; it must be at least 1 iteration");
}

}  // namespace dropnet
