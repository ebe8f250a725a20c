#pragma once

#include <cstddef>

namespace dropnet {

/// One step of SGD: v = momentum v + rate (scale g + decay w), w -= v, where scale brings all gradients together
/// down to the L2 norm `clip`, if that is positive and they are longer.
struct SgdStep {
  double rate;
  double momentum;
  double decay;
  double clip;
};

/// One weight tensor in the arenas and what the step's rate and decay are multiplied by there.
struct SgdRange {
  std::size_t offset;
  std::size_t size;
  double rate;
  double decay;
};

}  // namespace dropnet
