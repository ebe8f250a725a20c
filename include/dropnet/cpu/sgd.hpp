#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/sgd_step.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

template <class T>
double sum_of_squares(Cpu& cpu, std::size_t size, const T* g) {
  constexpr std::size_t piece = 16384;
  std::vector<double> sums(ceil_div(size, piece));
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
  double squares = 0;
  if (step.clip > 0)
    for (const SgdRange& r : ranges)
      if (r.follow == 0) squares += detail::sum_of_squares(cpu, r.size, g + r.offset);
  const double scale = step.scale(std::sqrt(squares));
  for (const SgdRange& r : ranges) {
    const T momentum = T(step.momentum), gradient = T(step.rate * r.rate * scale), decay = T(step.rate * r.rate * step.decay * r.decay);
    const T follow = T(r.follow), share = T(1.0 / step.passes);
    cpu.parallel_ranges(r.size, [&](std::size_t begin, std::size_t end) {
      begin += r.offset;
      end += r.offset;
      if (follow > 0) {
        for (std::size_t i = begin; i < end; ++i) w[i] += follow * (share * g[i] - w[i]);
      } else if (step.nesterov) {
        for (std::size_t i = begin; i < end; ++i) {
          const T speed = momentum * v[i] + gradient * g[i] + decay * w[i];
          w[i] -= (1 + momentum) * speed - momentum * v[i];
          v[i] = speed;
        }
      } else {
        for (std::size_t i = begin; i < end; ++i) {
          const T speed = momentum * v[i] + gradient * g[i] + decay * w[i];
          v[i] = speed;
          w[i] -= speed;
        }
      }
    });
  }
}

}  // namespace dropnet
