#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/lanes.hpp"

namespace dropnet {

template <class Shape, class T>
void relu_forward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const T* from = x.data + begin;
    T* to = y.data + begin;
    lanes::each<T>(end - begin, [&](std::size_t i, auto n) { lanes::store(to + i, lanes::at_least(lanes::load(from + i, n), T(0)), n); });
  });
}

template <class Shape, class T>
void relu_backward(Cpu& cpu, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const T *in = x.data + begin, *dy = y.diff + begin;
    T* dx = x.diff + begin;
    const bool add = x.add;
    lanes::each<T>(end - begin, [&](std::size_t i, auto n) {
      lanes::put(dx + i, lanes::select(lanes::positive(lanes::load(in + i, n)), lanes::load(dy + i, n), lanes::all(T(0))), n, add);
    });
  });
}

}  // namespace dropnet
