#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/dropout.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/random.hpp"

namespace dropnet {

template <class Shape, class T>
void dropout_forward(Cpu& cpu, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const T* from = x.data;
    T* to = y.data;
    const auto zero = lanes::all(T(0)), scale = lanes::all(T(1 / (1 - ratio)));
    detail::each_event<T>(random, bernoulli_threshold(ratio), begin, end, [&](std::size_t i, auto n, const auto& dropped) {
      lanes::store(to + i, lanes::select(dropped, zero, lanes::times(lanes::load(from + i, n), scale)), n);
    });
  });
}

template <class Shape, class T>
void dropout_backward(Cpu& cpu, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const T* dy = y.diff;
    T* dx = x.diff;
    const bool add = x.add;
    const auto zero = lanes::all(T(0)), scale = lanes::all(T(1 / (1 - ratio)));
    detail::each_event<T>(random, bernoulli_threshold(ratio), begin, end, [&](std::size_t i, auto n, const auto& dropped) {
      const auto d = lanes::select(dropped, zero, lanes::times(lanes::load(dy + i, n), scale));
      lanes::store(dx + i, add ? lanes::plus(lanes::load(dx + i, n), d) : d, n);
    });
  });
}

}  // namespace dropnet
