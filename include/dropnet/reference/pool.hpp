#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

/// `indices` keeps, per output unit, which pixel of the input's plane won.
template <class In, class Out, int K, int S, int P, class T>
void max_pool_forward(Reference&, Window<In, Out, K, S, P>, Blob<T, In> x, Blob<T, Out> y, Index* indices) {
  const std::size_t planes = std::size_t(x.batch) * In::channels;
  for (std::size_t p = 0; p < planes; ++p)
    for (int row = 0; row < Out::height; ++row)
      for (int column = 0; column < Out::width; ++column) {
        const int top = std::max(row * S - P, 0), left = std::max(column * S - P, 0);
        const int bottom = std::min(row * S - P + K, In::height), right = std::min(column * S - P + K, In::width);
        const T* plane = x.data + p * In::plane;
        int best = top * In::width + left;
        for (int r = top; r < bottom; ++r)
          for (int c = left; c < right; ++c)
            if (plane[r * In::width + c] > plane[best]) best = r * In::width + c;
        const std::size_t o = p * Out::plane + std::size_t(row * Out::width + column);
        y.data[o] = plane[best];
        indices[o] = Index(best);
      }
}

template <class In, class Out, int K, int S, int P, class T>
void max_pool_backward(Reference&, Window<In, Out, K, S, P>, Blob<T, In> x, Blob<T, Out> y, const Index* indices) {
  if (!x.add) std::fill_n(x.diff, x.size(), T(0));
  const std::size_t planes = std::size_t(x.batch) * In::channels;
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t o = p * Out::plane; o < (p + 1) * Out::plane; ++o) x.diff[p * In::plane + indices[o]] += y.diff[o];
}

}  // namespace dropnet
