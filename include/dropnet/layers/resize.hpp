#pragma once

#include "dropnet/core/scope.hpp"

namespace dropnet {

/// Brings activations to C channels, H rows and W columns: bilinear in rows and columns, pixel centres
/// aligned and edges repeated, channels cut or padded with zeros. Linear; backward is the exact transpose.
/// `Resize<>` stands for "to New's shape" as the adapter of a DropIn.
template <int... Shape>
struct Resize;

template <>
struct Resize<> {};

template <int C, int H, int W>
struct Resize<C, H, W> {
  static constexpr bool overwrites_input = true, forgets_output = true;
  template <class In>
  static constexpr Image<C, H, W> output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] { resize_forward(s.backend(), x, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] { resize_backward(s.backend(), x, y); });
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("resize", at, in, output(in), 0); }
};

}  // namespace dropnet
