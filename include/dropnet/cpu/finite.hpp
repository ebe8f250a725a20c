#pragma once

#include <cstddef>

#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// Whether none of the values is infinite or not a number.
template <class T>
bool all_finite(Cpu&, const T* values, std::size_t count) { return detail::array(values, 0, count).isFinite().all(); }

}  // namespace dropnet
