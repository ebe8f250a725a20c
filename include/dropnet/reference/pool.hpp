#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/pool_span.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

namespace detail {

/// Calls visit(plane, output, rows, columns) for each window.
template <class W, class Visit>
void each_window(int batch, Visit visit) {
  using In = typename W::in;
  using Out = typename W::out;
  std::size_t o = 0;
  for (std::size_t p = 0; p < std::size_t(batch) * In::channels; ++p)
    for (int row = 0; row < Out::height; ++row)
      for (int column = 0; column < Out::width; ++column)
        visit(p, o++, PoolSpan(row, W::kernel.height, W::stride.height, W::pad.height, In::height),
              PoolSpan(column, W::kernel.width, W::stride.width, W::pad.width, In::width));
}

}  // namespace detail

/// `indices` keeps, per output unit, which pixel of the input's plane won.
template <class W, class T>
void max_pool_forward(Reference&, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y, Index* indices) {
  using In = typename W::in;
  detail::each_window<W>(x.batch, [&](std::size_t p, std::size_t o, auto rows, auto columns) {
    const T* plane = x.data + p * In::plane;
    int best = rows.begin * In::width + columns.begin;
    for (int r = rows.begin; r < rows.end; ++r)
      for (int c = columns.begin; c < columns.end; ++c)
        if (plane[r * In::width + c] > plane[best]) best = r * In::width + c;
    y.data[o] = plane[best];
    indices[o] = Index(best);
  });
}

template <class W, class T>
void max_pool_backward(Reference&, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y, const Index* indices) {
  using In = typename W::in;
  using Out = typename W::out;
  if (!x.add) std::fill_n(x.diff, x.size(), T(0));
  const std::size_t planes = std::size_t(x.batch) * In::channels;
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t o = p * Out::plane; o < (p + 1) * Out::plane; ++o) x.diff[p * In::plane + indices[o]] += y.diff[o];
}

/// The sum of a window's pixels over its positions, padding counted as zeros.
template <class W, class T>
void average_pool_forward(Reference&, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y) {
  using In = typename W::in;
  detail::each_window<W>(x.batch, [&](std::size_t p, std::size_t o, auto rows, auto columns) {
    T sum = 0;
    for (int r = rows.begin; r < rows.end; ++r)
      for (int c = columns.begin; c < columns.end; ++c) sum += x.data[p * In::plane + std::size_t(r * In::width + c)];
    y.data[o] = sum / T(rows.count * columns.count);
  });
}

template <class W, class T>
void average_pool_backward(Reference&, W, Blob<T, typename W::in> x, Blob<T, typename W::out> y) {
  using In = typename W::in;
  if (!x.add) std::fill_n(x.diff, x.size(), T(0));
  detail::each_window<W>(x.batch, [&](std::size_t p, std::size_t o, auto rows, auto columns) {
    for (int r = rows.begin; r < rows.end; ++r)
      for (int c = columns.begin; c < columns.end; ++c)
        x.diff[p * In::plane + std::size_t(r * In::width + c)] += y.diff[o] / T(rows.count * columns.count);
  });
}

}  // namespace dropnet
