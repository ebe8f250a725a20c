#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/dropout.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

template <class Shape, class T>
void dropout_forward(Cpu& cpu, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  const auto threshold = bernoulli_threshold(ratio);
  const T scale = T(1 / (1 - ratio));
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    each_word(random, begin, end, [&](std::size_t i, std::uint32_t word) {
      y.data[i] = word < threshold ? T(0) : x.data[i] * scale;
    });
  });
}

template <class Shape, class T>
void dropout_backward(Cpu& cpu, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  const auto threshold = bernoulli_threshold(ratio);
  const T scale = T(1 / (1 - ratio));
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    each_word(random, begin, end, [&](std::size_t i, std::uint32_t word) {
      const T d = word < threshold ? T(0) : y.diff[i] * scale;
      x.diff[i] = x.add ? x.diff[i] + d : d;
    });
  });
}

}  // namespace dropnet
