#pragma once

#include "dropnet/core/activation.hpp"
#include "dropnet/core/scope.hpp"

namespace dropnet {

namespace detail {

/// Layers that do the same to each unit. Backward computes the slope from the input: outputs may have been overwritten.
struct Activation {
  static constexpr bool by_channel = true, overwrites_input = true, forgets_output = true;
  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

 protected:
  template <class Function, class S, class X, class Y>
  static void run_forward(Function f, S s, X x, Y y) {
    probed(s, Direction::forward, y, [&] { activation_forward(s.backend(), f, x, y); });
  }
  template <class Function, class S, class X, class Y>
  static void run_backward(Function f, S s, X x, Y y) {
    if (x.diff) probed(s, Direction::backward, y, [&] { activation_backward(s.backend(), f, x, y); });
  }
};

}  // namespace detail

/// y = x where x > 0, else slope x.
struct LeakyReLU : detail::Activation {
  float slope = 0.01f;
  constexpr LeakyReLU(float s = 0.01f) : slope(s) {}
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { run_forward(LeakyReluFunction{slope}, s, x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { run_backward(LeakyReluFunction{slope}, s, x, y); }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("relu", at, in, in, 0); }
};

/// y = 1 / (1 + exp(-x)).
struct Sigmoid : detail::Activation {
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { run_forward(SigmoidFunction{}, s, x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { run_backward(SigmoidFunction{}, s, x, y); }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("sigmoid", at, in, in, 0); }
};

/// y = tanh(x).
struct Tanh : detail::Activation {
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { run_forward(TanhFunction{}, s, x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { run_backward(TanhFunction{}, s, x, y); }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("tanh", at, in, in, 0); }
};

}  // namespace dropnet
