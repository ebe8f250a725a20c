#pragma once

#include "dropnet/core/extent.hpp"

namespace dropnet {

/// What a network takes; constexpr where no count is Dynamic:
/// `static_assert(plan(LeNet<1>{}, Image<1, 28, 28>{}).parameters == 431080)`.
template <class Spec, class Input>
constexpr Extent plan(const Spec& spec, Input input) {
  return spec.extent(input);
}

}  // namespace dropnet
