#pragma once

#include <cmath>
#include <span>

#include "dropnet/core/sgd_step.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// Changes nothing once the tally has diverged.
template <class T>
void sgd_update(Reference&, SgdStep step, std::span<const SgdRange> ranges, T* w, const T* g, T* v, const Tally* tally) {
  if (tally->diverged()) return;
  double squares = 0;
  for (const SgdRange& r : ranges)
    for (std::size_t i = r.offset; i < r.offset + r.size && r.follow == 0; ++i) squares += double(g[i]) * double(g[i]);
  const double scale = step.scale(std::sqrt(squares));
  for (const SgdRange& r : ranges)
    for (std::size_t i = r.offset; i < r.offset + r.size; ++i) {
      if (r.follow > 0) {
        w[i] += T(r.follow) * (g[i] / T(step.passes) - w[i]);
        continue;
      }
      const T before = v[i];
      v[i] = T(step.momentum) * before + T(step.rate * r.rate) * (T(scale) * g[i] + T(step.decay * r.decay) * w[i]);
      w[i] -= step.nesterov ? T(1 + step.momentum) * v[i] - T(step.momentum) * before : v[i];
    }
}

}  // namespace dropnet
