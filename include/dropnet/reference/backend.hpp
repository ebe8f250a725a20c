#pragma once

#include "dropnet/core/host_backend.hpp"

namespace dropnet {

/// Ops as plain loops on one thread: what the other backends are tested against.
struct Reference : HostBackend {
  static Reference standard() { return {}; }
};

}  // namespace dropnet
