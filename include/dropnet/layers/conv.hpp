#pragma once

#include "dropnet/core/scope.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/layers/parameter.hpp"

namespace dropnet {

/// Convolution with a bias: y[f] = bias[f] + sum over channels c of weight[f][c] (*) x[c], c in f's group.
/// Kernel: a number, or Size{rows, columns}. Weights [filter][channel of its group][row][column]; options Stride<S>
/// (default 1), Pad<P> with zeros (0), Dilation<D> (1) and Groups<G> (1).
template <int Filters, Size Kernel, class... Options>
struct Conv {
  static_assert(Filters > 0 && Kernel.height > 0 && Kernel.width > 0, "dropnet: Conv: filters and kernel size must be positive");
  using options = detail::WindowOptions<Options...>;
  static_assert(options::known && !options::floor,
                "dropnet: Conv: an option is not known; it takes Stride<S>, Pad<P>, Dilation<D> and Groups<G>");
  static_assert(Filters % options::groups == 0, "dropnet: Conv: the number of filters must be a multiple of the groups");
  static constexpr bool overwrites_input = true, forgets_output = true;
  static constexpr Size stride = options::stride(1);
  /// What the kernel covers of the input.
  static constexpr Size reach{(Kernel.height - 1) * options::dilation.height + 1, (Kernel.width - 1) * options::dilation.width + 1};

  Parameter weight{};
  Parameter bias{};

  template <class In>
  static constexpr auto output(In) {
    constexpr int height = In::height + 2 * options::pad.height;
    constexpr int width = In::width + 2 * options::pad.width;
    static_assert(reach.height <= height, "dropnet: Conv: the kernel is taller than the padded input; use a smaller one or add Pad<>");
    static_assert(reach.width <= width, "dropnet: Conv: the kernel is wider than the padded input; use a smaller one or add Pad<>");
    static_assert(In::channels % options::groups == 0, "dropnet: Conv: the input's channels must be a multiple of the groups");
    if constexpr (reach.height <= height && reach.width <= width)
      return Image<Filters, (height - reach.height) / stride.height + 1, (width - reach.width) / stride.width + 1>{};
    else
      return In{};
  }

  template <class In>
  using window = Window<In, decltype(output(In{})), Kernel, stride, options::pad, options::dilation, options::groups>;
  template <class In>
  static constexpr std::size_t fan_in = std::size_t(In::channels / options::groups) * Kernel.height * Kernel.width;
  template <class In>
  static constexpr std::size_t weights = Filters * fan_in<In>;

  template <class In>
  constexpr Extent extent(In) const {
    return extents::layer() + extents::tensor(weights<In>) + extents::tensor(Filters);
  }

  /// Tells who looks at the pass which kernel serves it.
  template <class S, class X>
  static void tell(const S& s, X x, Direction direction) {
    if constexpr (requires { conv_kernel(s.backend(), window<typename X::shape>{}, x, true); })
      if (auto* probe = s.probe()) probe->kernel(s.layer(), direction, conv_kernel(s.backend(), window<typename X::shape>{}, x, direction == Direction::forward));
  }
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    tell(s, x, Direction::forward);
    const auto w = s.take_weight(weights<typename X::shape>);
    const auto b = s.take_weight(Filters);
    probed(s, Direction::forward, y, [&] { conv_forward(s.backend(), window<typename X::shape>{}, x, w, b, y); });
  }
  /// Forward and the ReLU behind it, where the backend does both at once.
  template <class S, class X, class Y>
    requires requires(S s, X x, Y y) { conv_relu_forward(s.backend(), window<typename X::shape>{}, x, s.take_weight(1), s.take_weight(1), y); }
  void forward_relu(S s, X x, Y y) const {
    const auto w = s.take_weight(weights<typename X::shape>);
    const auto b = s.take_weight(Filters);
    probed(s, Direction::forward, y, [&] { conv_relu_forward(s.backend(), window<typename X::shape>{}, x, w, b, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    tell(s, x, Direction::backward);
    const auto w = s.take_weight(weights<typename X::shape>);
    const auto b = s.take_weight(Filters);
    probed(s, Direction::backward, y, [&] { conv_backward(s.backend(), window<typename X::shape>{}, x, w, b, y); });
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    using Out = decltype(output(in));
    v.layer("conv", at, in, Out{}, Out::size * fan_in<In>);
    v.weight({Filters, In::channels / options::groups, Kernel.height, Kernel.width}, fan_in<In>, weight);
    v.bias({Filters}, bias);
  }
};

}  // namespace dropnet
