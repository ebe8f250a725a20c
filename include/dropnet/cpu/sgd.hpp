#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "dropnet/core/sgd_step.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

template <class T>
double sum_of_squares(Cpu& cpu, std::size_t size, const T* g) {
  constexpr std::size_t piece = 16384;
  std::vector<double> sums((size + piece - 1) / piece);
  cpu.parallel(int(sums.size()), size, [&](int task, int) {
    const std::size_t begin = std::size_t(task) * piece;
    sums[std::size_t(task)] = array(g, begin, std::min(size, begin + piece)).template cast<double>().square().sum();
  });
  double sum = 0;
  for (double s : sums) sum += s;
  return sum;
}

}  // namespace detail

/// Changes nothing once the tally has diverged.
template <class T>
void sgd_update(Cpu& cpu, SgdStep step, std::span<const SgdRange> ranges, T* w, const T* g, T* v, const Tally* tally) {
  if (tally->diverged()) return;
  double scale = 1;
  if (step.clip > 0) {
    double squares = 0;
    for (const SgdRange& r : ranges) squares += detail::sum_of_squares(cpu, r.size, g + r.offset);
    const double norm = std::sqrt(squares);
    if (norm > step.clip) scale = step.clip / norm;
  }
  for (const SgdRange& r : ranges) {
    const T momentum = T(step.momentum), gradient = T(step.rate * r.rate * scale), decay = T(step.rate * r.rate * step.decay * r.decay);
    cpu.parallel_ranges(r.size, [&](std::size_t begin, std::size_t end) {
      for (std::size_t i = r.offset + begin; i < r.offset + end; ++i) {
        const T speed = momentum * v[i] + gradient * g[i] + decay * w[i];
        v[i] = speed;
        w[i] -= speed;
      }
    });
  }
}

}  // namespace dropnet
