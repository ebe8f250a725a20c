#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// The part becomes y's channels from `channel` on.
template <class Part, class Shape, class T>
void concat_forward(Reference&, Blob<T, Part> part, int channel, Blob<T, Shape> y) {
  for (int n = 0; n < y.batch; ++n)
    for (std::size_t i = 0; i < Part::size; ++i) y.sample(n)[std::size_t(channel) * Shape::plane + i] = part.sample(n)[i];
}

template <class Part, class Shape, class T>
void concat_backward(Reference&, Blob<T, Part> part, int channel, Blob<T, Shape> y) {
  for (int n = 0; n < y.batch; ++n)
    for (std::size_t i = 0; i < Part::size; ++i) {
      const T d = y.sample_diff(n)[std::size_t(channel) * Shape::plane + i];
      part.sample_diff(n)[i] = part.add ? part.sample_diff(n)[i] + d : d;
    }
}

}  // namespace dropnet
