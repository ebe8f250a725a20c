#pragma once

#include <optional>

#include "dropnet/core/filler.hpp"

namespace dropnet {

/// What a weight tensor has of its own: factors for the learning rate and the weight decay (Caffe's lr_mult and
/// decay_mult), and how it begins.
struct Parameter {
  float rate = 1;
  float decay = 1;
  std::optional<Filler> filler{};
};

}  // namespace dropnet
