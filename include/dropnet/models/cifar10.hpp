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

/// Caffe's for CIFAR-10: within channel, 3 x 3 pixels.
using Cifar10Norm = LRN<3, WithinChannel>;
constexpr Cifar10Norm cifar10_norm() { return {.alpha = 5e-5, .beta = 0.75}; }
using Cifar10Max = MaxPool<3, Stride<2>>;
using Cifar10Average = AvgPool<3, Stride<2>>;

/// `decay` multiplies the weight decay on the last layer's weights; there is none on its bias.
template <int Classes>
constexpr Linear<Classes> cifar10_last(float decay) {
  return {.weight = {.decay = decay}, .bias = {.decay = 0}};
}

inline Recipe cifar10_recipe(float rate) {
  return {.fill = {.layers = Gaussian{0.01f}},
          .sgd = {.momentum = 0.9f, .weight_decay = 0.004f, .bias_rate = 2},
          .rate = MultiStep{rate, 0.1f, {60000, 65000}},
          .batch = 100,
          .iterations = 70000,
          .scale = 1,
          .mean_image = true};
}

/// A convolution that keeps the size, ReLU and LRN.
template <int Filters, int Kernel>
using Cifar10Conv = Sequential<Conv<Filters, Kernel, Pad<Kernel / 2>>, ReLU, Cifar10Norm>;
template <int Filters, int Kernel>
constexpr Cifar10Conv<Filters, Kernel> cifar10_conv() {
  return {Conv<Filters, Kernel, Pad<Kernel / 2>>{}, ReLU{}, cifar10_norm()};
}

/// dropin(b.1 + b.2)
using Cifar10Block = DropIn<Cifar10Conv<32, 5>, Cifar10Conv<32, 5>>;
constexpr Cifar10Block cifar10_block() { return {cifar10_conv<32, 5>(), cifar10_conv<32, 5>()}; }

template <int Classes>
constexpr auto cifar10(float fc_decay) {
  return Sequential{Conv<32, 5, Pad<2>>{.weight = {.filler = Gaussian{0.0001f}}}, Cifar10Max{}, ReLU{}, cifar10_norm(),
                    Conv<32, 5, Pad<2>>{}, ReLU{}, Cifar10Average{}, cifar10_norm(),
                    Conv<64, 3, Pad<1>>{.bias = {.rate = 0.5f}}, ReLU{}, Cifar10Average{},
                    cifar10_last<Classes>(fc_decay)};
}
template <int Classes>
constexpr auto cifar10_deep(float fc_decay) {
  return Sequential{cifar10_block(), cifar10_block(), cifar10_block(), cifar10_block(), cifar10_block(),
                    Conv<64, 3, Pad<1>>{}, ReLU{}, cifar10_norm(), MaxPool<2>{}, cifar10_last<Classes>(fc_decay)};
}
template <int Classes>
constexpr auto cifar10_deep_pooled(float fc_decay) {
  return Sequential{cifar10_block(), Cifar10Max{}, cifar10_block(), Cifar10Average{}, cifar10_block(),
                    cifar10_block(), cifar10_block(), Conv<64, 3, Pad<1>>{}, ReLU{}, cifar10_norm(),
                    Cifar10Average{}, cifar10_last<Classes>(fc_decay)};
}

}  // namespace detail

/// Table 2's shallow net: three convolutions, as Caffe's "full" CIFAR-10 net has them: poolings 3 x 3 of stride 2, max,
/// average, average; the first before its ReLU; LRN behind the first two. The third kernel is 3 x 3 (the paper's). As in
/// Caffe's files the last layer's weights decay 250 times as fast.
template <int Classes = 10, class InputT = Image<3, 32, 32>>
struct Cifar10 {
  using Input = InputT;
  using Spec = decltype(detail::cifar10<Classes>(1));
  static constexpr Spec spec(float fc_decay = 250) { return detail::cifar10<Classes>(fc_decay); }
  static Recipe recipe() { return detail::cifar10_recipe(0.001f); }
};

/// Table 2's deep net as its rows stand: ten 5 x 5 convolutions in five blocks with a DropIn each, conv6, and one 2 x 2 max
/// pooling, at the end. ReLU and LRN behind every convolution, conv6 too; Gaussian 0.01 everywhere. The paper names no multiplier
/// for the last layer's decay: it is 1, for with 250 the last layer dies before the first ones have begun to learn.
template <int Classes = 10, class InputT = Image<3, 32, 32>>
struct Cifar10Deep {
  using Input = InputT;
  using Spec = decltype(detail::cifar10_deep<Classes>(1));
  static constexpr Spec spec(float fc_decay = 1) { return detail::cifar10_deep<Classes>(fc_decay); }
  static Recipe recipe() { return detail::cifar10_recipe(0.001f); }
};

/// The same with the shallow net's poolings: 3 x 3 of stride 2, max behind block 1, average behind block 2 and conv6.
template <int Classes = 10, class InputT = Image<3, 32, 32>>
struct Cifar10DeepPooled {
  using Input = InputT;
  using Spec = decltype(detail::cifar10_deep_pooled<Classes>(1));
  static constexpr Spec spec(float fc_decay = 1) { return detail::cifar10_deep_pooled<Classes>(fc_decay); }
  static Recipe recipe() { return detail::cifar10_recipe(0.001f); }
};

/// Table 7's comparison of regularisers on a network for small images: three convolutions with max poolings, then fully
/// connected layers of 512, 512 and the classes (the paper has AlexNet's 4,096, 4,096 and 1,000), all ratios 0.5. Its cases
/// are numbers: 1, dropout behind the first and the second: spec(0.5), Grown{}; 2, behind the first only: spec(0), Grown{};
/// 3, behind the first, and DropIn around the second: spec(0), Regularizing{0.5}.
template <int Classes = 10, class InputT = Image<3, 32, 32>>
struct Cifar10Full {
  using Input = InputT;
  using Pool = detail::Cifar10Max;
  using Full = Sequential<Linear<512>, ReLU>;
  using Spec = Sequential<Conv<32, 5, Pad<2>>, ReLU, Pool, Conv<32, 5, Pad<2>>, ReLU, Pool, Conv<64, 3, Pad<1>>, ReLU, Pool, Full, Dropout,
                          DropIn<Identity, Full>, Dropout, Linear<Classes>>;
  static constexpr Spec spec(double second_dropout = 0.5) {
    const Conv<32, 5, Pad<2>> conv;
    return {conv, ReLU{}, Pool{}, conv, ReLU{}, Pool{}, Conv<64, 3, Pad<1>>{}, ReLU{}, Pool{}, Full{}, Dropout{.ratio = 0.5},
            DropIn<Identity, Full>{}, Dropout{.ratio = second_dropout}, Linear<Classes>{}};
  }
  static Recipe recipe() { return detail::cifar10_recipe(0.001f); }
};

}  // namespace dropnet::models
