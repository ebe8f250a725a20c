#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/pool_span.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// One plane. Windows inside the input have fixed loops, and compilers make vectors of a row of them, if they leave it a loop; those at
/// an edge are clipped.
template <class W, class T>
void max_pool_plane(const T* __restrict x, T* __restrict y, Index* __restrict indices) {
  using In = typename W::in;
  using Out = typename W::out;
  constexpr Size K = W::kernel, S = W::stride, P = W::pad;
  constexpr int first = std::min(ceil_div(P.width, S.width), Out::width), last = std::clamp((In::width + P.width - K.width) / S.width + 1, first, Out::width);
  for (int row = 0; row < Out::height; ++row, y += Out::width, indices += Out::width) {
    const PoolSpan rows(row, K.height, S.height, P.height, In::height);
    const auto clipped = [&](int column) {
      const PoolSpan columns(column, K.width, S.width, P.width, In::width);
      int best = rows.begin * In::width + columns.begin;
      for (int r = rows.begin; r < rows.end; ++r)
        for (int c = columns.begin; c < columns.end; ++c)
          if (x[r * In::width + c] > x[best]) best = r * In::width + c;
      y[column] = x[best];
      indices[column] = Index(best);
    };
    const bool whole = rows.end - rows.begin == K.height;
    for (int column = 0; column < (whole ? first : Out::width); ++column) clipped(column);
    if (!whole) continue;
    for (int column = last; column < Out::width; ++column) clipped(column);
    _Pragma("GCC unroll 1") for (int column = first; column < last; ++column) {
      const int corner = rows.begin * In::width + column * S.width - P.width;
      int best = corner;
      T value = x[corner];
      for (int r = 0; r < K.height; ++r)
        for (int c = 0; c < K.width; ++c) {
          const int i = corner + r * In::width + c;
          const bool greater = x[i] > value;
          best = greater ? i : best;
          value = greater ? x[i] : value;
        }
      y[column] = value;
      indices[column] = Index(best);
    }
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
      detail::max_pool_plane<W>(x.sample(n) + std::size_t(c) * In::plane, y.sample(n) + o, indices + std::size_t(n) * Out::size + o);
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

/// A row of an average's windows, `pixels` long where all are whole, of which the input has `inside`, from `pad` on: sums along the
/// columns first, and loops without a branch over rows of them.
template <class W, class T>
struct AverageRow {
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int S = W::stride.width, K = W::kernel.width, pad = W::pad.width;
  static constexpr int pixels = (Out::width - 1) * S + K, inside = std::min(In::width, pixels - pad);
  PoolSpan rows;
  explicit AverageRow(int row) : rows(row, W::kernel.height, W::stride.height, W::pad.height, In::height) {}

  /// What the sum over a window is divided by.
  T positions(int column) const { return T(rows.count * PoolSpan(column, K, S, pad, In::width).count); }

  void forward(const T* plane, T* y) const {
    T columns[std::size_t(pixels)] = {}, sums[std::size_t(Out::width)] = {};
    for (int r = rows.begin; r < rows.end; ++r)
      for (int c = 0; c < inside; ++c) columns[pad + c] += plane[r * In::width + c];
    for (int k = 0; k < K; ++k)
      for (int o = 0; o < Out::width; ++o) sums[o] += columns[o * S + k];
    for (int o = 0; o < Out::width; ++o) y[o] = sums[o] / positions(o);
  }
  void backward(const T* dy, T* plane) const {
    T columns[std::size_t(pixels)] = {}, shares[std::size_t(Out::width)];
    for (int o = 0; o < Out::width; ++o) shares[o] = dy[o] / positions(o);
    for (int k = 0; k < K; ++k)
      for (int o = 0; o < Out::width; ++o) columns[o * S + k] += shares[o];
    for (int r = rows.begin; r < rows.end; ++r)
      for (int c = 0; c < inside; ++c) plane[r * In::width + c] += columns[pad + c];
  }
};

}  // namespace detail

/// The sum of a window's pixels over its positions, padding counted as zeros.
template <class W, class T>
void average_pool_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y) {
  using In = typename W::in;
  using Out = typename W::out;
  cpu.parallel(x.batch, x.size(), [&](int n, int) {
    for (int channel = 0; channel < In::channels; ++channel)
      for (int row = 0; row < Out::height; ++row)
        detail::AverageRow<W, T>(row).forward(x.sample(n) + std::size_t(channel) * In::plane, y.sample(n) + std::size_t(channel) * Out::plane + row * Out::width);
  });
}

template <class W, class T>
void average_pool_backward(Cpu& cpu, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y) {
  using In = typename W::in;
  using Out = typename W::out;
  cpu.parallel(x.batch, x.size(), [&](int n, int) {
    if (!x.add) std::fill_n(x.sample_diff(n), In::size, T(0));
    for (int channel = 0; channel < In::channels; ++channel)
      for (int row = 0; row < Out::height; ++row)
        detail::AverageRow<W, T>(row).backward(y.sample_diff(n) + std::size_t(channel) * Out::plane + row * Out::width, x.sample_diff(n) + std::size_t(channel) * In::plane);
  });
}

}  // namespace dropnet
