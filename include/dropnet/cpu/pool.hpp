#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// One plane. Windows inside the input have fixed loops; those at an edge are clipped.
template <class In, class Out, int K, int S, int P, class T>
void max_pool_plane(const T* x, T* y, Index* indices) {
  for (int row = 0; row < Out::height; ++row)
    for (int column = 0; column < Out::width; ++column) {
      const int top = row * S - P, left = column * S - P;
      int best;
      T value;
      if (top >= 0 && left >= 0 && top + K <= In::height && left + K <= In::width) {
        best = top * In::width + left;
        value = x[best];
        for (int r = 0; r < K; ++r)
          for (int c = 0; c < K; ++c) {
            const int i = (top + r) * In::width + left + c;
            const bool greater = x[i] > value;
            best = greater ? i : best;
            value = greater ? x[i] : value;
          }
      } else {
        best = std::max(top, 0) * In::width + std::max(left, 0);
        for (int r = std::max(top, 0); r < std::min(top + K, In::height); ++r)
          for (int c = std::max(left, 0); c < std::min(left + K, In::width); ++c)
            if (x[r * In::width + c] > x[best]) best = r * In::width + c;
        value = x[best];
      }
      *y++ = value;
      *indices++ = Index(best);
    }
}

}  // namespace detail

/// `indices` keeps, per output unit, which pixel of the input's plane won.
template <class In, class Out, int K, int S, int P, class T>
void max_pool_forward(Cpu& cpu, Window<In, Out, K, S, P>, Blob<T, In> x, Blob<T, Out> y, Index* indices) {
  cpu.parallel(x.batch, y.size() * K * K, [&](int n, int) {
    for (int c = 0; c < In::channels; ++c) {
      const std::size_t o = std::size_t(c) * Out::plane;
      detail::max_pool_plane<In, Out, K, S, P>(x.sample(n) + std::size_t(c) * In::plane, y.sample(n) + o,
                                               indices + std::size_t(n) * Out::size + o);
    }
  });
}

template <class In, class Out, int K, int S, int P, class T>
void max_pool_backward(Cpu& cpu, Window<In, Out, K, S, P>, Blob<T, In> x, Blob<T, Out> y, const Index* indices) {
  cpu.parallel(x.batch, x.size(), [&](int n, int) {
    T* dx = x.sample_diff(n);
    if (!x.add) std::fill_n(dx, In::size, T(0));
    const T* dy = y.sample_diff(n);
    const Index* index = indices + std::size_t(n) * Out::size;
    for (int c = 0; c < In::channels; ++c, dx += In::plane)
      for (std::size_t o = 0; o < Out::plane; ++o) dx[*index++] += *dy++;
  });
}

}  // namespace dropnet
