#pragma once

namespace dropnet {

/// What one step does to one weight tensor: v = momentum v + rate (scale g + decay w), w -= v.
struct SgdStep {
  double rate;
  double momentum;
  double decay;
  double scale;
};

}  // namespace dropnet
