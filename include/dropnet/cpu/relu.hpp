#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

template <class Shape, class T>
void relu_forward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) y.data[i] = x.data[i] <= 0 ? T(0) : x.data[i];
  });
}

template <class Shape, class T>
void relu_backward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const auto in = detail::array(x.data, begin, end);
    const auto dy = detail::array(y.diff, begin, end);
    detail::put(detail::array(x.diff, begin, end), (in > T(0)).select(dy, T(0)), x.add);
  });
}

}  // namespace dropnet
