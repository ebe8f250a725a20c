#pragma once

#include <cmath>
#include <cstddef>

#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// The Euclidean norm, summed in double.
template <class T>
double norm(Cpu&, const T* values, std::size_t count) {
  return std::sqrt(detail::array(values, 0, count).template cast<double>().square().sum());
}

}  // namespace dropnet
