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
    const T* from = x.data + begin;
    T* to = y.data + begin;
    const auto zero = lanes::all(T(0)), scale = lanes::all(T(1 / (1 - ratio)));
    detail::each_event<T>(random.from(begin), bernoulli_threshold(ratio), end - begin, [&](std::size_t i, auto n, const auto& dropped) {
      lanes::store(to + i, lanes::select(dropped, zero, lanes::times(lanes::load(from + i, n), scale)), n);
    });
  });
}

template <class Shape, class T>
void dropout_backward(Cpu& cpu, const DropoutRatio& schedule, std::uint64_t iteration, Random random, Blob<T, Shape> x, Blob<T, Shape> y) {
  const double ratio = schedule.at(iteration);
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const T* dy = y.diff + begin;
    T* dx = x.diff + begin;
    const bool add = x.add;
    const auto zero = lanes::all(T(0)), scale = lanes::all(T(1 / (1 - ratio)));
    detail::each_event<T>(random.from(begin), bernoulli_threshold(ratio), end - begin, [&](std::size_t i, auto n, const auto& dropped) {
      lanes::put(dx + i, lanes::select(dropped, zero, lanes::times(lanes::load(dy + i, n), scale)), n, add);
    });
  });
}

}  // namespace dropnet
