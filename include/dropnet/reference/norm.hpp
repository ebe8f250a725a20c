#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// The Euclidean norm.
template <class T>
double norm(Reference&, const T* values, std::size_t count) {
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += double(values[i]) * double(values[i]);
  return std::sqrt(sum);
}

}  // namespace dropnet
