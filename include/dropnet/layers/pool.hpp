#pragma once

#include <limits>

#include "dropnet/core/scope.hpp"
#include "dropnet/core/window.hpp"

namespace dropnet {

/// Maximum over a square window of each channel; the first of equal inputs gets the gradient.
/// Options Stride<S> (default: the kernel's size) and Pad<P> (default 0). Sizes round up as in Caffe:
/// ceil((H + 2 P - K) / S) + 1, less the last window if it would begin in the padding.
template <int Kernel, class... Options>
struct MaxPool {
  static_assert(Kernel > 0, "dropnet: MaxPool: the kernel size must be positive");
  using options = detail::WindowOptions<Kernel, Options...>;
  static_assert(options::known, "dropnet: MaxPool: an option is not known; it takes Stride<S> and Pad<P>");
  static_assert(options::pad < Kernel, "dropnet: MaxPool: the padding must be smaller than the kernel, or a window would see no input");

  /// Caffe's output size along one side; 0 or less if the window does not fit.
  static constexpr int side(int input) {
    const int room = input + 2 * options::pad - Kernel;
    if (room < 0) return 0;
    const int outputs = (room + options::stride - 1) / options::stride + 1;
    return (outputs - 1) * options::stride >= input + options::pad ? outputs - 1 : outputs;
  }

  template <class In>
  static constexpr auto output(In) {
    static_assert(Kernel <= In::height + 2 * options::pad, "dropnet: MaxPool: the kernel is taller than the padded input; use a smaller one");
    static_assert(Kernel <= In::width + 2 * options::pad, "dropnet: MaxPool: the kernel is wider than the padded input; use a smaller one");
    static_assert(In::plane <= std::numeric_limits<Index>::max(), "dropnet: MaxPool: the input has more than 65,535 pixels in a channel");
    if constexpr (side(In::height) > 0 && side(In::width) > 0)
      return Image<In::channels, side(In::height), side(In::width)>{};
    else
      return In{};
  }

  template <class In>
  using window = Window<In, decltype(output(In{})), Kernel, options::stride, options::pad>;

  template <class In>
  constexpr Extent extent(In in) const { return extents::layer() + extents::indices(output(in)); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] {
      max_pool_forward(s.backend(), window<typename X::shape>{}, x, y, s.indices());
    });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] {
      max_pool_backward(s.backend(), window<typename X::shape>{}, x, y, s.indices());
    });
  }

  template <class Visitor, class In>
  void visit(Visitor& v, Extent at, In in) const { v.layer("pool", at, in, output(in), 0); }
};

}  // namespace dropnet
