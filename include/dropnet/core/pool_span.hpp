#pragma once

#include <algorithm>

namespace dropnet {

/// Along one side of a pooling's input, window `o`: its pixels begin .. end - 1, and how many positions count in an
/// average, those in the padding included, those beyond it not (Caffe).
struct PoolSpan {
  int begin, end, count;
  constexpr PoolSpan(int o, int kernel, int stride, int pad, int input)
      : begin(std::max(o * stride - pad, 0)),
        end(std::min(o * stride - pad + kernel, input)),
        count(std::min(o * stride - pad + kernel, input + pad) - (o * stride - pad)) {}
};

}  // namespace dropnet
