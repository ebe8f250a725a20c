#pragma once

#include <string>
#include <type_traits>

#include "dropnet/core/error.hpp"
#include "dropnet/core/lrn.hpp"
#include "dropnet/core/scope.hpp"

namespace dropnet {

/// Local response normalisation as Caffe has it: scale_i = k + alpha / n sum of x_j^2 over i's window, y_i = x_i scale_i^-beta.
/// The window has Size channels (n = Size), or, with WithinChannel, Size x Size pixels (n = Size^2); what lies beyond the
/// edge counts as zeros. Size is odd.
template <int Size = 5, class Region = AcrossChannels>
struct LRN {
  static_assert(Size > 0 && Size % 2 == 1, "dropnet: LRN: the window's size must be odd");
  static constexpr bool overwrites_input = true, forgets_output = true;
  static constexpr bool by_channel = std::is_same_v<Region, WithinChannel>;
  double alpha = 1;
  double beta = 0.75;
  double k = 1;

  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In in) const { return extents::activations(in) + extents::layer(); }

  // The place taken keeps for backward what the backend makes of the scales.
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    const auto kept = s.take(typename X::shape{});
    probed(s, Direction::forward, y, [&] { lrn_forward(s.backend(), window(), x, kept, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    const auto kept = s.take(typename X::shape{});
    probed(s, Direction::backward, y, [&] { lrn_backward(s.backend(), window(), x, kept, y); });
  }

  /// Throws Error if k is not positive or alpha is negative.
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    if (!(k > 0 && alpha >= 0))
      throw Error("dropnet: LRN: k is " + std::to_string(k) + " and alpha " + std::to_string(alpha) + "; k must be positive, alpha at least 0");
    v.layer("lrn", at + extents::activations(in), in, in, 0);
  }

 private:
  constexpr LrnWindow<Size, Region> window() const { return {alpha, beta, k}; }
};

}  // namespace dropnet
