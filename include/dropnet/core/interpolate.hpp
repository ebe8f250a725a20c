#pragma once

#include <algorithm>

namespace dropnet {

/// Where output position `o` of `outputs` lies among `inputs`, pixel centres aligned and edges repeated:
/// value = (1 - weight) x[low] + weight x[high].
struct Interpolate {
  int low;
  int high;
  double weight;
};

constexpr Interpolate interpolate(int o, int outputs, int inputs) {
  const double at = std::clamp((o + 0.5) * inputs / outputs - 0.5, 0.0, double(inputs - 1));
  const int low = int(at);
  return {low, std::min(low + 1, inputs - 1), at - low};
}

}  // namespace dropnet
