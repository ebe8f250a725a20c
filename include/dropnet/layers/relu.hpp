#pragma once

#include "dropnet/core/scope.hpp"

namespace dropnet {

/// y = x where x > 0, else 0. NaN stays NaN.
struct ReLU {
  static constexpr bool by_channel = true, overwrites_input = true, forgets_output = true;
  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] { relu_forward(s.backend(), x, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] { relu_backward(s.backend(), x, y); });
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("relu", at, in, in, 0); }
};

}  // namespace dropnet
