#pragma once

#include "dropnet/core/scope.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/layers/multipliers.hpp"

namespace dropnet {

/// Convolution with a bias: y[f] = bias[f] + sum over channels c of weight[f][c] (*) x[c].
/// Weights [filter][channel][row][column]; options Stride<S> (default 1) and Pad<P> (default 0) with zeros.
template <int Filters, int Kernel, class... Options>
struct Conv {
  static_assert(Filters > 0 && Kernel > 0, "dropnet: Conv: filters and kernel size must be positive");
  using options = detail::WindowOptions<1, Options...>;
  static_assert(options::known, "dropnet: Conv: an option is not known; it takes Stride<S> and Pad<P>");

  Multipliers weight{};
  Multipliers bias{};

  template <class In>
  static constexpr auto output(In) {
    constexpr int height = In::height + 2 * options::pad;
    constexpr int width = In::width + 2 * options::pad;
    static_assert(Kernel <= height, "dropnet: Conv: the kernel is taller than the padded input; use a smaller one or add Pad<>");
    static_assert(Kernel <= width, "dropnet: Conv: the kernel is wider than the padded input; use a smaller one or add Pad<>");
    if constexpr (Kernel <= height && Kernel <= width)
      return Image<Filters, (height - Kernel) / options::stride + 1, (width - Kernel) / options::stride + 1>{};
    else
      return In{};
  }

  template <class In>
  using window = Window<In, decltype(output(In{})), Kernel, options::stride, options::pad>;
  template <class In>
  static constexpr std::size_t weights = std::size_t(Filters) * In::channels * Kernel * Kernel;

  template <class In>
  constexpr Extent extent(In) const {
    return extents::layer() + extents::tensor(weights<In>) + extents::tensor(Filters);
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
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
    const auto w = s.take_weight(weights<typename X::shape>);
    const auto b = s.take_weight(Filters);
    probed(s, Direction::backward, y, [&] { conv_backward(s.backend(), window<typename X::shape>{}, x, w, b, y); });
  }

  template <class Visitor, class In>
  void visit(Visitor& v, Extent at, In in) const {
    using Out = decltype(output(in));
    constexpr std::size_t fan_in = std::size_t(In::channels) * Kernel * Kernel;
    v.layer("conv", at, in, Out{}, Out::size * fan_in);
    v.weight({Filters, In::channels, Kernel, Kernel}, fan_in, weight);
    v.bias({Filters}, bias);
  }
};

}  // namespace dropnet
