#pragma once

#include <string>

#include "dropnet/core/batch_norm.hpp"
#include "dropnet/core/error.hpp"
#include "dropnet/core/scope.hpp"
#include "dropnet/layers/parameter.hpp"

namespace dropnet {

/// y = weight[c] (x - mean[c]) / sqrt(variance[c] + epsilon) + bias[c]. In training mean and variance are those of the batch
/// over its samples and pixels; in testing the running ones, which are weights of the network: each step moves them by
/// `follow` (Caffe's 1 - moving_average_fraction) of the way to the batch's. S. Ioffe, C. Szegedy, "Batch normalization",
/// ICML 2015; Caffe's BatchNorm and Scale in one.
struct BatchNorm {
  static constexpr bool overwrites_input = true, forgets_output = true;
  double epsilon = 1e-5;
  double follow = 0.1;
  Parameter weight{.filler = Constant{1}};
  Parameter bias{.filler = Constant{0}};

  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr Extent extent(In) const {
    return extents::activations(Kept<In>{}) + extents::layer() + 2 * extents::tensor(In::channels) + 2 * extents::statistic(In::channels);
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    const auto kept = state(s, x);
    const auto w = weights(s, x);
    probed(s, Direction::forward, y, [&] { batch_norm_forward(s.backend(), Normalization{epsilon, s.training()}, x, w, kept, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    const auto kept = state(s, x);
    const auto w = weights(s, x);
    if (!x.diff && !w.scale.diff) return;
    probed(s, Direction::backward, y, [&] { batch_norm_backward(s.backend(), Normalization{epsilon, s.training()}, x, w, kept, y); });
  }

  /// Throws Error if epsilon is negative or follow is not in [0, 1].
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    if (!(epsilon >= 0 && follow >= 0 && follow <= 1))
      throw Error("dropnet: BatchNorm: epsilon is " + std::to_string(epsilon) + " and follow " + std::to_string(follow) +
                  "; epsilon must be at least 0, follow in [0, 1]");
    v.couples_samples();
    v.layer("bn", at + extents::activations(Kept<In>{}), in, in, 0);
    v.scale({In::channels}, weight);
    v.bias({In::channels}, bias);
    v.statistic("running_mean", {In::channels}, Constant{0}, follow);
    v.statistic("running_var", {In::channels}, Constant{1}, follow);
  }

 private:
  template <class In>
  using Kept = Image<NormalizationState<float>::parts * In::channels, 1, 1>;
  template <class S, class X>
  static auto state(S& s, X) {
    return NormalizationState{s.take(Kept<typename X::shape>{}).data, X::shape::channels};
  }
  template <class S, class X>
  static auto weights(S s, X) {
    const auto next = [&] { return s.take_weight(X::shape::channels); };
    return NormalizationWeights{next(), next(), next(), next()};  // braces: in this order
  }
};

}  // namespace dropnet
