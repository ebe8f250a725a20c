#pragma once

#include "dropnet/layers/conv.hpp"
#include "dropnet/layers/dropin.hpp"
#include "dropnet/layers/dropout.hpp"
#include "dropnet/layers/linear.hpp"
#include "dropnet/layers/pool.hpp"
#include "dropnet/layers/relu.hpp"
#include "dropnet/layers/sequential.hpp"
#include "dropnet/models/recipe.hpp"

namespace dropnet::models {

/// Table 6: VGG16 + DropIn. Its shallow net is VGG8, the first convolution of each block. Where the paper is silent: the
/// fully connected layers have VGG's dropout of 0.5, and the recipe is AlexNet's.
template <int Classes = 1000, class InputT = Image<3, 224, 224>>
struct Vgg16 {
  using Input = InputT;
  template <int Filters>
  using Unit = Sequential<Conv<Filters, 3, Pad<1>>, ReLU>;
  template <int Filters, int Added>
  using Block = DropInStack<Unit<Filters>, Unit<Filters>, Added>;
  using Spec = Sequential<Block<64, 1>, MaxPool<2>, Block<128, 1>, MaxPool<2>, Block<256, 2>, MaxPool<2>, Block<512, 2>, MaxPool<2>, Block<512, 2>,
                          MaxPool<2>, Linear<4096>, ReLU, Dropout, Linear<4096>, ReLU, Dropout, Linear<Classes>>;
  static constexpr Spec spec() { return {}; }

  static Recipe recipe() { return detail::imagenet_recipe(); }
};

}  // namespace dropnet::models
