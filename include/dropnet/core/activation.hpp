#pragma once

#include <cmath>

namespace dropnet {

/// A function of each unit alone, with its slope.
struct LeakyReluFunction {
  float leak;
  template <class T>
  T value(T x) const { return x > 0 ? x : T(leak) * x; }
  template <class T>
  T slope(T x) const { return x > 0 ? T(1) : T(leak); }
};
struct SigmoidFunction {
  template <class T>
  T value(T x) const { return 1 / (1 + std::exp(-x)); }
  template <class T>
  T slope(T x) const { return value(x) * (1 - value(x)); }
};
struct TanhFunction {
  template <class T>
  T value(T x) const { return std::tanh(x); }
  template <class T>
  T slope(T x) const { return 1 - value(x) * value(x); }
};

}  // namespace dropnet
