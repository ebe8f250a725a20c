#pragma once

#include <cstdint>
#include <string>

#include "dropnet/core/dropout.hpp"
#include "dropnet/core/error.hpp"
#include "dropnet/core/scope.hpp"

namespace dropnet {

/// In training each unit becomes 0 with probability `ratio`, the others grow by 1 / (1 - ratio); in testing y = x. The
/// mask is a pure function of (seed, iteration, layer, sample, unit). With a length the ratio goes in a straight line
/// from `ratio` to `end` over the iterations start .. start + length (section 5 has it run from 0.9 to 0.1).
struct Dropout {
  static constexpr bool by_channel = true, overwrites_input = true, forgets_output = true;
  double ratio = 0.5;
  double end = ratio;
  std::int64_t start = 0;
  std::int64_t length = 0;

  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] {
      if (s.training())
        dropout_forward(s.backend(), schedule(), s.iteration(), s.random(Random::dropout, s.layer(), X::sample_size), x, y);
      else
        copy_forward(s.backend(), x, y);
    });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] {
      if (s.training())
        dropout_backward(s.backend(), schedule(), s.iteration(), s.random(Random::dropout, s.layer(), X::sample_size), x, y);
      else
        copy_backward(s.backend(), x, y);
    });
  }

  /// Throws Error if a ratio is not in [0, 1) or the interval makes no sense.
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    for (const double r : {ratio, end})
      if (!(r >= 0 && r < 1)) throw Error("dropnet: Dropout: ratio is " + std::to_string(r) + "; it must be at least 0 and below 1");
    if (start < 0 || length < 0)
      throw Error("dropnet: Dropout: start is " + std::to_string(start) + " and length " + std::to_string(length) + "; they must be at least 0 iterations");
    v.layer("dropout", at, in, in, 0);
  }

 private:
  DropoutRatio schedule() const { return {ratio, length > 0 ? end : ratio, start, length}; }
};

}  // namespace dropnet
