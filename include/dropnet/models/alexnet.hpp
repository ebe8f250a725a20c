#pragma once

#include "dropnet/layers/conv.hpp"
#include "dropnet/layers/dropin.hpp"
#include "dropnet/layers/dropout.hpp"
#include "dropnet/layers/linear.hpp"
#include "dropnet/layers/lrn.hpp"
#include "dropnet/layers/pool.hpp"
#include "dropnet/layers/relu.hpp"
#include "dropnet/layers/sequential.hpp"
#include "dropnet/models/recipe.hpp"

namespace dropnet::models {

namespace detail {

using AlexNetPool = MaxPool<3, Stride<2>>;
constexpr LRN<5> alexnet_norm() { return {.alpha = 1e-4, .beta = 0.75}; }

template <int Filters, int Kernel, int GroupsN, class Option>
constexpr auto alexnet_doubled(float bias) {
  using First = Conv<Filters, Kernel, Option, Groups<GroupsN>>;
  using Second = Conv<Filters, Kernel, Pad<Kernel / 2>, Groups<GroupsN>>;
  return DropIn{Sequential{First{.bias = {.filler = Constant{bias}}}, ReLU{}}, Sequential{Second{.bias = {.filler = Constant{bias}}}, ReLU{}}};
}
template <int Outputs>
constexpr Linear<Outputs> alexnet_full() {
  return {.weight = {.filler = Gaussian{0.005f}}, .bias = {.filler = Constant{1}}};
}
template <int Classes>
constexpr auto alexnet() {
  return Sequential{alexnet_doubled<96, 11, 1, Stride<4>>(0), AlexNetPool{}, alexnet_norm(),
                    alexnet_doubled<256, 5, 2, Pad<2>>(1), AlexNetPool{}, alexnet_norm(),
                    alexnet_doubled<384, 3, 1, Pad<1>>(0),
                    alexnet_doubled<384, 3, 2, Pad<1>>(1),
                    alexnet_doubled<256, 3, 2, Pad<1>>(1), AlexNetPool{},
                    alexnet_full<4096>(), ReLU{}, Dropout{.ratio = 0.5}, alexnet_full<4096>(), ReLU{}, Dropout{.ratio = 0.5}, Linear<Classes>{}};
}

}  // namespace detail

/// Table 4: AlexNet (13 layers) + DropIn; its shallow net is Caffe's "slightly modified AlexNet" (CaffeNet, pooling before
/// LRN, conv2, 4 and 5 in two groups). A doubled convolution has stride 1, a pad that keeps the size, and the groups of
/// the one that it doubles; ReLU behind every convolution, before DropIn.
template <int Classes = 1000, class InputT = Image<3, 227, 227>>
struct AlexNet {
  using Input = InputT;
  using Spec = decltype(detail::alexnet<Classes>());
  static constexpr Spec spec() { return detail::alexnet<Classes>(); }

  static Recipe recipe() { return detail::imagenet_recipe(); }
};

}  // namespace dropnet::models
