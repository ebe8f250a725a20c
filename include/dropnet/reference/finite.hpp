#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// Whether none of the values is infinite or not a number.
template <class T>
bool all_finite(Reference&, const T* values, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i)
    if (!std::isfinite(values[i])) return false;
  return true;
}

}  // namespace dropnet
