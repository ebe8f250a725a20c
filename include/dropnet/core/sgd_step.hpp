#pragma once

#include <cstddef>

namespace dropnet {

/// One step of SGD: v' = momentum v + rate (scale g + decay w), w -= v'; with nesterov w -= (1 + momentum) v' - momentum v.
/// scale is 1 / passes, times what brings all gradients together down to the L2 norm `clip`, if that is positive and the
/// sums of the passes are longer.
struct SgdStep {
  double rate;
  double momentum;
  double decay;
  double clip;
  bool nesterov = false;
  int passes = 1;

  double scale(double norm) const { return (clip > 0 && norm > clip ? clip / norm : 1) / passes; }
};

/// One weight tensor in the arenas and what the step's rate and decay are multiplied by there. A running statistic is not
/// trained: its gradient is a new value, and w += follow (g / passes - w).
struct SgdRange {
  std::size_t offset;
  std::size_t size;
  double rate;
  double decay;
  double follow = 0;
};

}  // namespace dropnet
