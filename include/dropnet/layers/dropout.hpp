#pragma once

#include <string>

#include "dropnet/core/error.hpp"
#include "dropnet/core/scope.hpp"

namespace dropnet {

/// In training each unit becomes 0 with probability `ratio`, the others grow by 1 / (1 - ratio);
/// in testing y = x. The mask is a pure function of (seed, iteration, layer, sample, unit).
struct Dropout {
  double ratio = 0.5;

  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] {
      if (s.training())
        dropout_forward(s.backend(), ratio, s.random(Random::dropout, s.layer()), x, y);
      else
        copy_forward(s.backend(), x, y);
    });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] {
      if (s.training())
        dropout_backward(s.backend(), ratio, s.random(Random::dropout, s.layer()), x, y);
      else
        copy_backward(s.backend(), x, y);
    });
  }

  /// Throws Error if the ratio is not in [0, 1).
  template <class Visitor, class In>
  void visit(Visitor& v, Extent at, In in) const {
    if (!(ratio >= 0 && ratio < 1))
      throw Error("dropnet: Dropout: ratio is " + std::to_string(ratio) + "; it must be at least 0 and below 1");
    v.layer("dropout", at, in, in, 0);
  }
};

}  // namespace dropnet
