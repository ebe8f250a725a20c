#pragma once

#include "dropnet/core/scope.hpp"

namespace dropnet {

/// y = x. `DropIn<Identity, New>` lets New grow around a connection that skips it.
struct Identity {
  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return {}; }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { copy_forward(s.backend(), x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (x.diff) copy_backward(s.backend(), x, y);
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor&, Extent, In) const {}
};

}  // namespace dropnet
