#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/dropout.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class Shape, class T>
void dropout_forward(Reference&, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  const auto threshold = bernoulli_threshold(ratio);
  const T scale = T(1 / (1 - ratio));
  for (std::size_t i = 0; i < x.size(); ++i) y.data[i] = random.word(i) < threshold ? T(0) : x.data[i] * scale;
}

template <class Shape, class T>
void dropout_backward(Reference&, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  const auto threshold = bernoulli_threshold(ratio);
  const T scale = T(1 / (1 - ratio));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const T d = random.word(i) < threshold ? T(0) : y.diff[i] * scale;
    x.diff[i] = x.add ? x.diff[i] + d : d;
  }
}

}  // namespace dropnet
