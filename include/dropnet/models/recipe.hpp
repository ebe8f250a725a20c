#pragma once

#include <cstdint>

#include "dropnet/network/fill.hpp"
#include "dropnet/train/learning_rate.hpp"
#include "dropnet/train/sgd.hpp"

namespace dropnet::models {

/// How a published network was trained: what Network, Trainer and FitOptions take.
struct Recipe {
  Fill fill;
  Sgd sgd;
  LearningRate rate;
  int batch;
  std::int64_t iterations;
  float scale;      ///< what a pixel's byte is multiplied by
  bool mean_image;  ///< whether the training images' mean is subtracted first
};

}  // namespace dropnet::models
