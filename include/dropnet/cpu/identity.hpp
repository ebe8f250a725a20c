#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

template <class Shape, class T>
void copy_forward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    detail::array(y.data, begin, end) = detail::array(x.data, begin, end);
  });
}

template <class Shape, class T>
void copy_backward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    detail::put(detail::array(x.diff, begin, end), detail::array(y.diff, begin, end), x.add);
  });
}

}  // namespace dropnet
