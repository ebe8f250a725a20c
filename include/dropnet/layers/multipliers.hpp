#pragma once

namespace dropnet {

/// What a weight tensor's learning rate and weight decay are multiplied by (Caffe's lr_mult, decay_mult).
struct Multipliers {
  float rate = 1;
  float decay = 1;
};

}  // namespace dropnet
