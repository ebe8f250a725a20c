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
    for (std::size_t i = r.offset; i < r.offset + r.size; ++i) squares += double(g[i]) * double(g[i]);
  const double norm = std::sqrt(squares), scale = step.clip > 0 && norm > step.clip ? step.clip / norm : 1;
  for (const SgdRange& r : ranges)
    for (std::size_t i = r.offset; i < r.offset + r.size; ++i) {
      v[i] = T(step.momentum) * v[i] + T(step.rate * r.rate) * (T(scale) * g[i] + T(step.decay * r.decay) * w[i]);
      w[i] -= v[i];
    }
}

}  // namespace dropnet
