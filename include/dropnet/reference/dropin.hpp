#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// y holds v; what is not let in becomes u.
template <class Shape, class T>
void dropin_forward(Reference&, const Mix& mix, Blob<T, Shape> u, Blob<T, Shape> y) {
  for (int n = 0; n < u.batch; ++n)
    for (std::size_t i = 0; i < Shape::size; ++i) {
      T& to = y.sample(n)[i];
      if (mix.kind == Mix::blend)
        to = T(mix.p) * to + T(1 - mix.p) * u.sample(n)[i];
      else if (!mix.is_new(n, i, Shape::size))
        to = u.sample(n)[i];
    }
}

/// Splits y.diff into u.diff (unless it is null) and, in place, v's gradient.
template <class Shape, class T>
void dropin_backward(Reference&, const Mix& mix, Blob<T, Shape> u, Blob<T, Shape> y) {
  for (int n = 0; n < u.batch; ++n)
    for (std::size_t i = 0; i < Shape::size; ++i) {
      T& dy = y.sample_diff(n)[i];
      T to_u = 0;
      if (mix.kind == Mix::blend) {
        to_u = T(1 - mix.p) * dy;
        dy = T(mix.p) * dy;
      } else if (!mix.is_new(n, i, Shape::size)) {
        to_u = dy;
        dy = 0;
      }
      if (u.diff) u.sample_diff(n)[i] = u.add ? u.sample_diff(n)[i] + to_u : to_u;
    }
}

}  // namespace dropnet
