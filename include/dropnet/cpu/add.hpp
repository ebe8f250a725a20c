#pragma once

#include <array>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

template <class Shape, class T, std::size_t N>
void add_forward(Cpu& cpu, const std::array<Blob<T, Shape>, N>& parts, Blob<T, Shape> y) {
  cpu.parallel_ranges(y.size(), [&](std::size_t begin, std::size_t end) {
    auto sum = detail::array(y.data, begin, end);
    sum = detail::array(parts[0].data, begin, end) + detail::array(parts[1].data, begin, end);
    for (std::size_t k = 2; k < N; ++k) sum += detail::array(parts[k].data, begin, end);
  });
}

}  // namespace dropnet
