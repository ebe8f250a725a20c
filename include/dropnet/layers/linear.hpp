#pragma once

#include "dropnet/core/scope.hpp"
#include "dropnet/layers/parameter.hpp"

namespace dropnet {

/// Fully connected layer: y[o] = bias[o] + sum over i of weight[o][i] x[i], the input taken as one vector
/// in [channel][row][column] order. Output Image<Outputs, 1, 1>.
template <int Outputs>
struct Linear {
  static_assert(Outputs > 0, "dropnet: Linear: the number of outputs must be positive");
  static constexpr bool overwrites_input = true, forgets_output = true;

  Parameter weight{};
  Parameter bias{};

  template <class In>
  static constexpr auto output(In) { return Image<Outputs, 1, 1>{}; }

  template <class In>
  constexpr Extent extent(In) const {
    return extents::layer() + extents::tensor(In::size * Outputs) + extents::tensor(Outputs);
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    const auto w = s.take_weight(X::sample_size * Outputs);
    const auto b = s.take_weight(Outputs);
    probed(s, Direction::forward, y, [&] { linear_forward(s.backend(), x, w, b, y); });
  }
  /// Forward and the ReLU behind it, where the backend does both at once.
  template <class S, class X, class Y>
    requires requires(S s, X x, Y y) { linear_relu_forward(s.backend(), x, s.take_weight(1), s.take_weight(1), y); }
  void forward_relu(S s, X x, Y y) const {
    const auto w = s.take_weight(X::sample_size * Outputs);
    const auto b = s.take_weight(Outputs);
    probed(s, Direction::forward, y, [&] { linear_relu_forward(s.backend(), x, w, b, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    const auto w = s.take_weight(X::sample_size * Outputs);
    const auto b = s.take_weight(Outputs);
    probed(s, Direction::backward, y, [&] { linear_backward(s.backend(), x, w, b, y); });
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    v.layer("fc", at, in, output(in), In::size * Outputs);
    v.weight({Outputs, int(In::size)}, In::size, weight);
    v.bias({Outputs}, bias);
  }
};

}  // namespace dropnet
