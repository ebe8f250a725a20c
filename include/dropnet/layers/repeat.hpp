#pragma once

#include <algorithm>
#include <type_traits>
#include <utility>

#include "dropnet/core/in_place.hpp"
#include "dropnet/core/scope.hpp"

namespace dropnet {

/// Count copies of a layer one after the other, each with weights of its own; the layer must keep its input's
/// shape. `Repeat<Layer, Dynamic>{.count = n}` takes the count at run time; no copy at all means y = x.
template <class Layer, int Count>
struct Repeat {
  static constexpr bool overwrites_input = detail::overwrites_input<Layer>, forgets_output = detail::forgets_output<Layer>;
  Layer layer{};
  detail::Count<Count> count{};

  template <class In>
  static constexpr auto output(In in) {
    static_assert(std::is_same_v<decltype(Layer::output(in)), In>,
                  "dropnet: Repeat: the layer's output must have the shape of its input; change its padding or number of filters");
    return in;
  }

  /// One copy: the place of its output, then what it needs itself.
  template <class In>
  constexpr Extent step(In in) const { return extents::activations(in) + layer.extent(in); }
  template <class In>
  constexpr Extent extent(In in) const {
    Extent e = count * step(in);
    e.transient = layer.extent(in).transient;
    return e.holding(std::size_t(std::clamp<int>(count - 1, 0, 2)) * padded(In::size));
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    if (count == 0) return copy_forward(s.backend(), x, y);
    for (int i = 0; i < count; ++i) {
      auto [inside, to] = place(s, i, y);
      layer.forward(inside, x, to);
      x = to;
    }
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (count == 0 && x.diff) return copy_backward(s.backend(), x, y);
    for (int i = count - 1; i >= 0; --i) {
      auto [inside, to] = place(s, i, y);
      layer.backward(inside, i > 0 ? place(s, i - 1, y).output : x, to);
    }
  }

  /// Throws Error if a Dynamic count was not given.
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    v.require_count("Repeat", count.given());
    for (int i = 0; i < count; ++i) layer.visit(v, at + i * step(in) + extents::activations(in), in);
  }

 private:
  template <class S, class Y>
  struct Place {
    S inside;  ///< of copy i
    Y output;
  };
  template <class S, class Y>
  Place<S, Y> place(S s, int i, Y y) const {
    S at = s.chain(Y::shape::size, count - 1) + i * step(typename Y::shape{});
    if (i % 2) at.turn();
    Y output = at.link(typename Y::shape{});
    if constexpr (detail::in_place<Layer, Layer>) output = at.over(output);
    return {at, i + 1 < count ? output : y};
  }
};

}  // namespace dropnet
