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

namespace detail {

/// How Caffe trained its AlexNet on ImageNet.
inline Recipe imagenet_recipe() {
  return {.fill = {.layers = Gaussian{0.01f}},
          .sgd = {.momentum = 0.9f, .weight_decay = 5e-4f, .bias_rate = 2, .bias_decay = 0},
          .rate = Step{0.01f, 0.1f, 100000},
          .batch = 256,
          .iterations = 450000,
          .scale = 1,
          .mean_image = true};
}

}  // namespace detail

}  // namespace dropnet::models
