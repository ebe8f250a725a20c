#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// The part becomes y's channels from `channel` on.
template <class Part, class Shape, class T>
void concat_forward(Cpu& cpu, Blob<T, Part> part, int channel, Blob<T, Shape> y) {
  const std::size_t begin = std::size_t(channel) * Shape::plane;
  cpu.parallel(y.batch, part.size(), [&](int n, int) {
    detail::array(y.sample(n), begin, begin + Part::size) = detail::array(part.sample(n), 0, Part::size);
  });
}

template <class Part, class Shape, class T>
void concat_backward(Cpu& cpu, Blob<T, Part> part, int channel, Blob<T, Shape> y) {
  const std::size_t begin = std::size_t(channel) * Shape::plane;
  cpu.parallel(y.batch, part.size(), [&](int n, int) {
    detail::put(detail::array(part.sample_diff(n), 0, Part::size), detail::array(y.sample_diff(n), begin, begin + Part::size), part.add);
  });
}

}  // namespace dropnet
