#pragma once

#include "dropnet/layers/conv.hpp"
#include "dropnet/layers/dropin.hpp"
#include "dropnet/layers/linear.hpp"
#include "dropnet/layers/pool.hpp"
#include "dropnet/layers/relu.hpp"
#include "dropnet/layers/sequential.hpp"
#include "dropnet/models/recipe.hpp"

namespace dropnet::models {

namespace detail {

template <class First1, class New1, class First2, class New2, int Added, int Classes>
using LeNetOf = Sequential<DropInStack<First1, New1, Added>, MaxPool<2>, DropInStack<First2, New2, Added>, MaxPool<2>, Linear<500>, ReLU,
                           Linear<Classes>>;
template <int Filters, Size Kernel, class... Options>
using Rectified = Sequential<Conv<Filters, Kernel, Options...>, ReLU>;

}  // namespace detail

/// Table 1: LeNet(2N) + DropIn; N = 1 is LeNet. N may be Dynamic: the depth is then a number. With Rectify a ReLU follows
/// each convolution, which Caffe's LeNet does not have and the paper leaves open. 28 x 28 grey images unless given.
template <int N = Dynamic, int Classes = 10, class InputT = Image<1, 28, 28>, bool Rectify = false>
struct LeNet {
  static constexpr int added = N == Dynamic ? Dynamic : N - 1;
  using Input = InputT;
  using Spec = std::conditional_t<
      Rectify,
      detail::LeNetOf<detail::Rectified<20, 5>, detail::Rectified<20, 3, Pad<1>>, detail::Rectified<50, 5>, detail::Rectified<50, 3, Pad<1>>, added, Classes>,
      detail::LeNetOf<Conv<20, 5>, Conv<20, 3, Pad<1>>, Conv<50, 5>, Conv<50, 3, Pad<1>>, added, Classes>>;

  static constexpr Spec spec() requires(N != Dynamic) { return {}; }
  static constexpr Spec spec(int n) requires(N == Dynamic) {
    Spec s;
    s.head.count = n - 1;            // the first stack
    s.tail.tail.head.count = n - 1;  // the second
    return s;
  }

  /// Caffe's, but for the layers behind DropIn: with small Gaussian weights there, what does not train from scratch grows.
  static Recipe recipe() {
    return {.fill = {.layers = Xavier{}, .added = Gaussian{0.01f}},
            .sgd = {.momentum = 0.9f, .weight_decay = 5e-4f, .bias_rate = 2},
            .rate = Inverse{0.01f, 1e-4f, 0.75f},
            .batch = 64,
            .iterations = 10000,
            .scale = 1 / 256.0f,
            .mean_image = false};
  }
};

}  // namespace dropnet::models
