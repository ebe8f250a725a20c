#pragma once

#include "dropnet/core/in_place.hpp"
#include "dropnet/core/scope.hpp"

namespace dropnet {

/// A layer whose weights stay as they are, as in testing: no gradient is computed for them, nothing decays, running
/// statistics are used and do not move, dropout is off. The input's gradient is computed where it is wanted.
template <class Layer>
struct Frozen {
  static constexpr bool overwrites_input = detail::overwrites_input<Layer>, forgets_output = detail::forgets_output<Layer>;
  Layer layer{};

  template <class In>
  static constexpr auto output(In in) { return Layer::output(in); }
  /// Nothing in it is trained.
  template <class In>
  constexpr Extent extent(In in) const {
    Extent e = layer.extent(in);
    e.parameters = 0;
    return e;
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    const auto pass = s.frozen();
    layer.forward(s.in(pass), x, y);
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    const auto pass = s.frozen();
    layer.backward(s.in(pass), x, y);
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    v.enter_frozen();
    layer.visit(v, at, in);
    v.leave_frozen();
  }
};

template <class Layer>
Frozen(Layer) -> Frozen<Layer>;

}  // namespace dropnet
