#pragma once

#include <limits>

#include "dropnet/core/scope.hpp"
#include "dropnet/core/window.hpp"

namespace dropnet {

namespace detail {

/// Output size along one side, as Caffe has it, rounding up, or down; 0 or less if the window does not fit.
constexpr int pooled(int input, int kernel, int stride, int pad, bool floor) {
  const int room = input + 2 * pad - kernel;
  if (room < 0) return 0;
  const int outputs = (floor ? room : room + stride - 1) / stride + 1;
  // The last window would begin in the padding behind the input.
  return (outputs - 1) * stride >= input + pad ? outputs - 1 : outputs;
}

/// What MaxPool and AvgPool share: the window and its rule of sizes.
template <Size Kernel, class... Options>
struct Pooling {
  static_assert(Kernel.height > 0 && Kernel.width > 0, "dropnet: pooling: the kernel size must be positive");
  using options = WindowOptions<Options...>;
  static_assert(options::known && options::pools, "dropnet: pooling: an option is not known; it takes Stride<S>, Pad<P> and Floor");
  static_assert(options::pad.height < Kernel.height && options::pad.width < Kernel.width,
                "dropnet: pooling: the padding must be smaller than the kernel, or a window would see no input");
  static constexpr Size stride = options::stride(Kernel);

  template <class In>
  static constexpr auto output(In) {
    static_assert(Kernel.height <= In::height + 2 * options::pad.height, "dropnet: pooling: the kernel is taller than the padded input; use a smaller one");
    static_assert(Kernel.width <= In::width + 2 * options::pad.width, "dropnet: pooling: the kernel is wider than the padded input; use a smaller one");
    constexpr int height = pooled(In::height, Kernel.height, stride.height, options::pad.height, options::floor);
    constexpr int width = pooled(In::width, Kernel.width, stride.width, options::pad.width, options::floor);
    if constexpr (height > 0 && width > 0)
      return Image<In::channels, height, width>{};
    else
      return In{};
  }
  template <class In>
  using window = Window<In, decltype(output(In{})), Kernel, stride, options::pad>;
};

}  // namespace detail

/// Maximum over a window of each channel; the first of equal inputs gets the gradient. Kernel: a number, or
/// Size{rows, columns}. Options Stride<S> (default: the kernel's size), Pad<P> (0) and Floor. Sizes round up as in
/// Caffe, ceil((H + 2 P - K) / S) + 1, less the last window if it would begin in the padding; with Floor, down.
template <Size Kernel, class... Options>
struct MaxPool {
  static constexpr bool overwrites_input = true, forgets_output = true;
  using pooling = detail::Pooling<Kernel, Options...>;
  template <class In>
  using window = typename pooling::template window<In>;

  template <class In>
  static constexpr auto output(In in) {
    static_assert(In::plane <= std::numeric_limits<Index>::max(), "dropnet: MaxPool: the input has more than 65,535 pixels in a channel");
    return pooling::output(in);
  }
  template <class In>
  constexpr Extent extent(In in) const { return extents::layer() + extents::indices(output(in)); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] { max_pool_forward(s.backend(), window<typename X::shape>{}, x, y, s.indices()); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] { max_pool_backward(s.backend(), window<typename X::shape>{}, x, y, s.indices()); });
  }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("pool", at, in, output(in), 0); }
};

/// Average over a window of each channel, options and sizes as MaxPool's. As in Caffe, positions in the padding count
/// as zeros, those beyond it not at all.
template <Size Kernel, class... Options>
struct AvgPool {
  static constexpr bool overwrites_input = true, forgets_output = true;
  using pooling = detail::Pooling<Kernel, Options...>;
  template <class In>
  using window = typename pooling::template window<In>;

  template <class In>
  static constexpr auto output(In in) { return pooling::output(in); }
  template <class In>
  constexpr Extent extent(In) const { return extents::layer(); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    probed(s, Direction::forward, y, [&] { average_pool_forward(s.backend(), window<typename X::shape>{}, x, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    if (!x.diff) return;
    probed(s, Direction::backward, y, [&] { average_pool_backward(s.backend(), window<typename X::shape>{}, x, y); });
  }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { v.layer("pool", at, in, output(in), 0); }
};

}  // namespace dropnet
