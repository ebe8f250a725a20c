#pragma once

#include "dropnet/core/scope.hpp"

namespace dropnet {

/// y_c = exp(x_c) / sum over channels of exp(x), at each pixel by itself. For a network's outputs as probabilities; the
/// training loss has a softmax of its own.
struct Softmax {
  static constexpr bool overwrites_input = true, forgets_output = true;
  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] { softmax_forward(s.backend(), x, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (x.diff) probed(s, Direction::backward, y, [&] { softmax_backward(s.backend(), x, y); });
  }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("softmax", at, in, in, 0); }
};

}  // namespace dropnet
