#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/lrn.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/lanes.hpp"

namespace dropnet {

namespace detail {

/// scale^(-1/4)
template <class P>
EIGEN_ALWAYS_INLINE P lrn_root(const P& scale) {
  namespace e = Eigen::internal;
  return e::pdiv(e::pset1<P>(1), e::psqrt(e::psqrt(scale)));
}

/// root^exponent
template <class P>
DROPNET_ONCE P lrn_power(P root, double exponent) {
  namespace e = Eigen::internal;
  return e::pexp(lanes::times(e::pset1<P>(typename e::unpacket_traits<P>::type(exponent)), e::plog(root)));
}

/// scale^-beta of scale^(-1/4); 0.75 is what all recipes have.
template <class P>
EIGEN_ALWAYS_INLINE P lrn_norm(const P& root, double beta) {
  return beta == 0.75 ? lanes::times(root, lanes::times(root, root)) : lrn_power(root, 4 * beta);
}

/// The sum of so many registers.
template <std::size_t Count, class T>
EIGEN_ALWAYS_INLINE lanes::Packet<T> lrn_sum(const T* from, std::size_t apart) {
  auto sum = lanes::load(from);
  DROPNET_UNROLL for (std::size_t i = 1; i < Count; ++i) sum = lanes::plus(sum, lanes::load(from + i * apart));
  return sum;
}

/// Copies a row.
template <std::size_t Width, class T>
EIGEN_ALWAYS_INLINE void lrn_row(const T* from, T* to) {
  lanes::each<T>(Width, [&](std::size_t i, auto n) { lanes::store(to + i, lanes::load(from + i, n), n); });
}

/// For each unit of a sample the sum of value(i, n) over its window goes to take(i, n, sum); they stand for n units from i on, a
/// register's or fewer, whose other lanes may hold anything.
template <class W, class Shape, class T, class Value, class Take>
void lrn_windows(Cpu& cpu, int worker, Value value, Take take) {
  constexpr std::size_t L = lanes::width<T>, half = W::half, plane = Shape::plane;
  if constexpr (std::is_same_v<typename W::Region, AcrossChannels>) {
    T* values = cpu.scratch<T>(worker, (Shape::channels + 2 * half) * L);
    std::fill_n(values, half * L, T(0));
    std::fill_n(values + (half + Shape::channels) * L, half * L, T(0));
    lanes::each<T>(plane, [&](std::size_t p, auto n) {
      for (std::size_t c = 0; c < Shape::channels; ++c) lanes::store(values + (half + c) * L, value(c * plane + p, n));
      for (std::size_t c = 0; c < Shape::channels; ++c) take(c * plane + p, n, lrn_sum<W::size>(values + c * L, L));
    });
  } else {
    // A plane with zeros above, below and, shared by neighbours, between its rows: sums need not know where a row ends.
    constexpr std::size_t width = Shape::width, apart = width + half, size = Shape::height * apart;
    constexpr std::size_t padded_size = size + 2 * half * apart + L, columns_size = size + 2 * half + L;
    T* flat = cpu.scratch<T>(worker, plane + L + padded_size + columns_size + size + L);
    T *padded = flat + plane + L, *columns = padded + padded_size, *sums = columns + columns_size;
    std::fill(padded, columns + half, T(0));
    for (std::size_t c = 0; c < Shape::channels; ++c) {
      lanes::each<T>(plane, [&](std::size_t i, auto n) { lanes::store(flat + i, value(c * plane + i, n)); });
      for (std::size_t row = 0; row < Shape::height; ++row) lrn_row<width>(flat + row * width, padded + (half + row) * apart);
      for (std::size_t i = 0; i < size; i += L) lanes::store(columns + half + i, lrn_sum<W::size>(padded + i, apart));
      for (std::size_t i = 0; i < size; i += L) lanes::store(sums + i, lrn_sum<W::size>(columns + i, 1));
      for (std::size_t row = 0; row < Shape::height; ++row) lrn_row<width>(sums + row * apart, flat + row * width);
      lanes::each<T>(plane, [&](std::size_t i, auto n) { take(c * plane + i, n, lanes::load(flat + i)); });
    }
  }
}

}  // namespace detail

/// `roots` keeps scale^(-1/4), of which the powers that are needed are products.
template <class W, class Shape, class T>
void lrn_forward(Cpu& cpu, W w, Blob<T, Shape> x, Blob<T, Shape> roots, Blob<T, Shape> y) {
  cpu.parallel(x.batch, x.size() * 8, [&](int sample, int worker) {
    const T* in = x.sample(sample);
    T *kept = roots.sample(sample), *out = y.sample(sample);
    const auto k = lanes::all(T(w.k)), share = lanes::all(T(w.share()));
    detail::lrn_windows<W, Shape, T>(
        cpu, worker,
        [&](std::size_t i, auto n) {
          const auto v = lanes::load(in + i, n);
          return lanes::times(v, v);
        },
        [&](std::size_t i, auto n, const auto& sum) {
          const auto root = detail::lrn_root(lanes::fma(share, sum, k));
          lanes::store(kept + i, root, n);
          lanes::store(out + i, lanes::times(lanes::load(in + i, n), detail::lrn_norm(root, w.beta)), n);
        });
  });
}

/// dx_i = dy_i scale_i^-beta - 2 beta alpha / n x_i sum over j of dy_j x_j scale_j^(-beta - 1).
template <class W, class Shape, class T>
void lrn_backward(Cpu& cpu, W w, Blob<T, Shape> x, Blob<T, Shape> roots, Blob<T, Shape> y) {
  cpu.parallel(x.batch, x.size() * 12, [&](int sample, int worker) {
    const T *in = x.sample(sample), *kept = roots.sample(sample), *dy = y.sample_diff(sample);
    T* dx = x.sample_diff(sample);
    const auto factor = lanes::all(T(-2 * w.beta * w.share()));
    detail::lrn_windows<W, Shape, T>(
        cpu, worker,
        [&](std::size_t i, auto n) {
          const auto root = lanes::load(kept + i, n), square = lanes::times(root, root);
          const auto power = lanes::times(detail::lrn_norm(root, w.beta), lanes::times(square, square));
          return lanes::times(lanes::times(lanes::load(dy + i, n), lanes::load(in + i, n)), power);
        },
        [&](std::size_t i, auto n, const auto& sum) {
          const auto direct = lanes::times(lanes::load(dy + i, n), detail::lrn_norm(lanes::load(kept + i, n), w.beta));
          lanes::put(dx + i, lanes::fma(lanes::times(factor, lanes::load(in + i, n)), sum, direct), n, x.add);
        });
  });
}

}  // namespace dropnet
