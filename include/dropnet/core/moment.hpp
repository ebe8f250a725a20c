#pragma once

#include <cstdint>

#include "dropnet/core/random.hpp"

namespace dropnet {

/// All that a pass over a network depends on beside weights, shares and inputs: what changes as time goes on.
struct Moment {
  std::uint64_t iteration = 0;
  Seed seed{};
  bool training = false;  ///< turns dropout on and draws random masks
  double rate = 0;        ///< of the SGD step that follows
  int passes = 1;         ///< whose gradients are added up for one step
  int pass = 0;           ///< which of them this is

  /// What random draws go by: each pass has masks of its own.
  std::uint64_t time() const { return iteration * std::uint64_t(passes) + std::uint64_t(pass); }
};

}  // namespace dropnet
