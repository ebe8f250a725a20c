#pragma once

#include <cstddef>

#include "dropnet/core/sgd_step.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class T>
void sgd_update(Reference&, SgdStep step, std::size_t size, T* w, const T* g, T* v) {
  for (std::size_t i = 0; i < size; ++i) {
    v[i] = T(step.momentum) * v[i] + T(step.rate) * (T(step.scale) * g[i] + T(step.decay) * w[i]);
    w[i] -= v[i];
  }
}

template <class T>
double sum_of_squares(Reference&, std::size_t size, const T* g) {
  double sum = 0;
  for (std::size_t i = 0; i < size; ++i) sum += double(g[i]) * double(g[i]);
  return sum;
}

template <class T>
void fill_zero(Reference&, T* to, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) to[i] = 0;
}

}  // namespace dropnet
