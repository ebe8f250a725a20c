#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "dropnet/core/sgd_step.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

template <class T>
void sgd_update(Cpu& cpu, SgdStep step, std::size_t size, T* w, const T* g, T* v) {
  const T momentum = T(step.momentum), gradient = T(step.rate * step.scale), decay = T(step.rate * step.decay);
  cpu.parallel_ranges(size, [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) {
      const T speed = momentum * v[i] + gradient * g[i] + decay * w[i];
      v[i] = speed;
      w[i] -= speed;
    }
  });
}

template <class T>
double sum_of_squares(Cpu& cpu, std::size_t size, const T* g) {
  constexpr std::size_t piece = 16384;
  std::vector<double> sums((size + piece - 1) / piece);
  cpu.parallel(int(sums.size()), size, [&](int task, int) {
    const std::size_t begin = std::size_t(task) * piece;
    sums[std::size_t(task)] = detail::array(g, begin, std::min(size, begin + piece)).template cast<double>().square().sum();
  });
  double sum = 0;
  for (double s : sums) sum += s;
  return sum;
}

template <class T>
void fill_zero(Cpu&, T* to, std::size_t size) { std::fill_n(to, size, T(0)); }

}  // namespace dropnet
