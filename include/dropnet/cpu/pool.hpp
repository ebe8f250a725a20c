#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/pool_span.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// One plane. Windows inside the input have fixed loops; those at an edge are clipped.
template <class W, class T>
void max_pool_plane(const T* x, T* y, Index* indices) {
  using In = typename W::in;
  using Out = typename W::out;
  constexpr Size K = W::kernel, S = W::stride, P = W::pad;
  for (int row = 0; row < Out::height; ++row)
    for (int column = 0; column < Out::width; ++column) {
      const int top = row * S.height - P.height, left = column * S.width - P.width;
      int best;
      T value;
      if (top >= 0 && left >= 0 && top + K.height <= In::height && left + K.width <= In::width) {
        best = top * In::width + left;
        value = x[best];
        for (int r = 0; r < K.height; ++r)
          for (int c = 0; c < K.width; ++c) {
            const int i = (top + r) * In::width + left + c;
            const bool greater = x[i] > value;
            best = greater ? i : best;
            value = greater ? x[i] : value;
          }
      } else {
        best = std::max(top, 0) * In::width + std::max(left, 0);
        for (int r = std::max(top, 0); r < std::min(top + K.height, In::height); ++r)
          for (int c = std::max(left, 0); c < std::min(left + K.width, In::width); ++c)
            if (x[r * In::width + c] > x[best]) best = r * In::width + c;
        value = x[best];
      }
      *y++ = value;
      *indices++ = Index(best);
    }
}

}  // namespace detail

/// `indices` keeps, per output unit, which pixel of the input's plane won.
template <class W, class T>
void max_pool_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y, Index* indices) {
  using In = typename W::in;
  using Out = typename W::out;
  cpu.parallel(x.batch, y.size() * W::taps, [&](int n, int) {
    for (int c = 0; c < In::channels; ++c) {
      const std::size_t o = std::size_t(c) * Out::plane;
      detail::max_pool_plane<W>(x.sample(n) + std::size_t(c) * In::plane, y.sample(n) + o,
                                               indices + std::size_t(n) * Out::size + o);
    }
  });
}

template <class W, class T>
void max_pool_backward(Cpu& cpu, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y, const Index* indices) {
  using In = typename W::in;
  using Out = typename W::out;
  cpu.parallel(x.batch, x.size(), [&](int n, int) {
    T* dx = x.sample_diff(n);
    if (!x.add) std::fill_n(dx, In::size, T(0));
    const T* dy = y.sample_diff(n);
    const Index* index = indices + std::size_t(n) * Out::size;
    for (int c = 0; c < In::channels; ++c, dx += In::plane)
      for (std::size_t o = 0; o < Out::plane; ++o) dx[*index++] += *dy++;
  });
}

namespace detail {

/// Calls visit(output of the plane, rows, columns) for each window of one plane.
template <class W, class Visit>
void each_window_of_plane(Visit visit) {
  std::size_t o = 0;
  for (int row = 0; row < W::out::height; ++row) {
    const PoolSpan rows(row, W::kernel.height, W::stride.height, W::pad.height, W::in::height);
    for (int column = 0; column < W::out::width; ++column)
      visit(o++, rows, PoolSpan(column, W::kernel.width, W::stride.width, W::pad.width, W::in::width));
  }
}

}  // namespace detail

/// The sum of a window's pixels over its positions, padding counted as zeros.
template <class W, class T>
void average_pool_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y) {
  using In = typename W::in;
  cpu.parallel(x.batch, y.size() * W::taps, [&](int n, int) {
    for (int channel = 0; channel < In::channels; ++channel) {
      const T* plane = x.sample(n) + std::size_t(channel) * In::plane;
      T* to = y.sample(n) + std::size_t(channel) * W::out::plane;
      detail::each_window_of_plane<W>([&](std::size_t o, auto rows, auto columns) {
        T sum = 0;
        for (int r = rows.begin; r < rows.end; ++r)
          for (int c = columns.begin; c < columns.end; ++c) sum += plane[r * In::width + c];
        to[o] = sum / T(rows.count * columns.count);
      });
    }
  });
}

template <class W, class T>
void average_pool_backward(Cpu& cpu, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y) {
  using In = typename W::in;
  cpu.parallel(x.batch, y.size() * W::taps, [&](int n, int) {
    if (!x.add) std::fill_n(x.sample_diff(n), In::size, T(0));
    for (int channel = 0; channel < In::channels; ++channel) {
      T* plane = x.sample_diff(n) + std::size_t(channel) * In::plane;
      const T* dy = y.sample_diff(n) + std::size_t(channel) * W::out::plane;
      detail::each_window_of_plane<W>([&](std::size_t o, auto rows, auto columns) {
        const T share = dy[o] / T(rows.count * columns.count);
        for (int r = rows.begin; r < rows.end; ++r)
          for (int c = columns.begin; c < columns.end; ++c) plane[r * In::width + c] += share;
      });
    }
  });
}

}  // namespace dropnet
