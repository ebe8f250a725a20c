#pragma once

#include <cstdint>

#include "dropnet/core/random.hpp"

namespace dropnet {

/// All that a pass over a network depends on beside weights, shares and inputs: what changes as time goes on.
struct Moment {
  std::uint64_t iteration = 0;
  Seed seed{};
  bool training = false;  ///< turns dropout on and draws Bernoulli masks
  double rate = 0;        ///< of the SGD step that follows
};

}  // namespace dropnet
