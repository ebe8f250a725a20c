#pragma once

#include <span>

#include "dropnet/core/buffer.hpp"

namespace dropnet {

/// Ops as plain loops on one thread: what the other backends are tested against.
struct Reference {
  template <class T>
  using Buffer = HostBuffer<T>;
};

}  // namespace dropnet
