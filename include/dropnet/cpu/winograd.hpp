#pragma once

#include <cstddef>

#include "dropnet/cpu/lanes.hpp"

namespace dropnet::winograd {

// Minimal filtering F(4 x 4, K x K): 16 outputs of a K x K correlation out of N N products per channel, N = K + 3, instead of 16 K K:
// 36 for 144 with K = 3, 49 for 256 with K = 4, 64 for 400 with K = 5. The points are 0, 1, -1, 2, -2, with N = 7 also 1/2, with N = 8
// 1/2 and -1/2, and infinity (A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural Networks", 2015, section 4.1; the others by
// the same construction).
//   outputs         y  = A' [(G g G') . (B' d B)] A
//   weight gradient dg = G' [(A dy A') . (B' d B)] G
// All transforms work on whole vector registers, a tile in each lane.

inline constexpr int outputs = 4;
/// Of a window's side.
constexpr int points(int kernel) { return kernel + outputs - 1; }
constexpr bool serves(int kernel) { return kernel >= 3 && kernel <= 5; }

/// A row or a column of a tile: N registers.
template <class T, int N>
struct Line {
  lanes::Packet<T> at[std::size_t(N)];
  EIGEN_ALWAYS_INLINE lanes::Packet<T>& operator[](int i) { return at[i]; }
  EIGEN_ALWAYS_INLINE const lanes::Packet<T>& operator[](int i) const { return at[i]; }
};

/// a + factor b
template <class T>
EIGEN_ALWAYS_INLINE lanes::Packet<T> plus(const lanes::Packet<T>& a, double factor, const lanes::Packet<T>& b) { return lanes::fma(lanes::all(T(factor)), b, a); }

/// B' d
template <int N, class T>
EIGEN_ALWAYS_INLINE Line<T, N> input(const Line<T, N>& d) {
  using lanes::minus, lanes::times, lanes::all;
  using P = lanes::Packet<T>;
  // Of a pair of points p and -p: the even and the odd powers' part.
  const auto pair = [](const P& even, const P& odd, P& at, P& at_minus) {
    at = lanes::plus(even, odd);
    at_minus = minus(even, odd);
  };
  Line<T, N> v;
  if constexpr (N == 6) {
    v[0] = plus<T>(plus<T>(d[4], -5, d[2]), 4, d[0]);
    pair(plus<T>(d[4], -4, d[2]), plus<T>(d[3], -4, d[1]), v[1], v[2]);
    pair(minus(d[4], d[2]), times(all(T(2)), minus(d[3], d[1])), v[3], v[4]);
    v[5] = plus<T>(plus<T>(d[5], -5, d[3]), 4, d[1]);
  } else if constexpr (N == 7) {
    // (x - 1/2) (x x - 1) (x x - 4) and what is left of it without a factor, applied to d from one or two places on.
    const auto all_pairs = [&](int i) { return plus<T>(plus<T>(d[i + 4], -5, d[i + 2]), 4, d[i]); };
    const auto others = [&](int i, double p) { return plus<T>(plus<T>(plus<T>(d[i + 4], -0.5, d[i + 3]), -p * p, d[i + 2]), p * p / 2, d[i + 1]); };
    v[5] = all_pairs(1);
    v[0] = plus<T>(v[5], -0.5, all_pairs(0));
    pair(others(1, 2), others(0, 2), v[1], v[2]);
    pair(others(1, 1), times(all(T(2)), others(0, 1)), v[3], v[4]);
    v[6] = plus<T>(all_pairs(2), -0.5, v[5]);
  } else {
    v[0] = plus<T>(minus(d[6], d[0]), 5.25, minus(d[2], d[4]));
    pair(plus<T>(lanes::plus(d[2], d[6]), -4.25, d[4]), plus<T>(lanes::plus(d[1], d[5]), -4.25, d[3]), v[1], v[2]);
    pair(plus<T>(plus<T>(d[6], 0.25, d[2]), -1.25, d[4]), plus<T>(plus<T>(times(all(T(2)), d[5]), 0.5, d[1]), -2.5, d[3]), v[3], v[4]);
    pair(plus<T>(plus<T>(d[6], 4, d[2]), -5, d[4]), plus<T>(plus<T>(times(all(T(0.5)), d[5]), 2, d[1]), -2.5, d[3]), v[5], v[6]);
    v[7] = plus<T>(minus(d[7], d[1]), 5.25, minus(d[3], d[5]));
  }
  return v;
}

/// A' m
template <int N, class T>
EIGEN_ALWAYS_INLINE Line<T, outputs> output(const Line<T, N>& m) {
  using lanes::minus;
  const auto even = [&](int i) { return lanes::plus(m[i], m[i + 1]); };
  const auto odd = [&](int i) { return minus(m[i], m[i + 1]); };
  const lanes::Packet<T> even1 = even(1), odd1 = odd(1), even2 = even(3), odd2 = odd(3);
  Line<T, outputs> y{lanes::plus(lanes::plus(m[0], even1), even2), plus<T>(odd1, 2, odd2), plus<T>(even1, 4, even2), lanes::plus(plus<T>(odd1, 8, odd2), m[N - 1])};
  if constexpr (N == 7) y = {lanes::plus(y[0], m[5]), plus<T>(y[1], 0.5, m[5]), plus<T>(y[2], 0.25, m[5]), plus<T>(y[3], 0.125, m[5])};
  if constexpr (N == 8) {
    const lanes::Packet<T> even3 = even(5), odd3 = odd(5);
    y = {lanes::plus(y[0], even3), plus<T>(y[1], 0.5, odd3), plus<T>(y[2], 0.25, even3), plus<T>(y[3], 0.125, odd3)};
  }
  return y;
}

/// A y
template <int N, class T>
EIGEN_ALWAYS_INLINE Line<T, N> output_transposed(const Line<T, outputs>& y) {
  Line<T, N> p;
  const auto pair = [&](int i, double at) {
    const lanes::Packet<T> even = plus<T>(y[0], at * at, y[2]), odd = plus<T>(lanes::times(lanes::all(T(at)), y[1]), at * at * at, y[3]);
    p[i] = lanes::plus(even, odd);
    p[i + 1] = lanes::minus(even, odd);
  };
  p[0] = y[0];
  pair(1, 1);
  pair(3, 2);
  if constexpr (N == 7) p[5] = plus<T>(plus<T>(plus<T>(y[0], 0.5, y[1]), 0.25, y[2]), 0.125, y[3]);
  if constexpr (N == 8) pair(5, 0.5);
  p[N - 1] = y[3];
  return p;
}

/// G: row i holds the powers of point i, over the product of its distances to the other points.
template <int K>
struct Matrix {
  double at[std::size_t(points(K))][std::size_t(K)];
};
template <int K>
inline constexpr Matrix<K> kernel_matrix = [] {
  constexpr double at[] = {0, 1, -1, 2, -2, 0.5, -0.5};
  constexpr int n = points(K) - 1;
  Matrix<K> g{};
  for (int i = 0; i < n; ++i) {
    double scale = 1, power = 1;
    for (int other = 0; other < n; ++other)
      if (other != i) scale *= at[i] - at[other];
    for (int k = 0; k < K; ++k, power *= at[i]) g.at[i][k] = power / scale;
  }
  g.at[n][K - 1] = 1;
  return g;
}();

/// G g. Where each point p but 0 has its -p, the rows of the two differ in the odd powers' sign.
template <int K, class T>
EIGEN_ALWAYS_INLINE Line<T, points(K)> kernel(const Line<T, K>& g) {
  constexpr int last = points(K) - 1;
  constexpr auto& matrix = kernel_matrix<K>.at;
  Line<T, points(K)> u;
  u[0] = lanes::times(lanes::all(T(matrix[0][0])), g[0]);
  if constexpr (last % 2 == 0) {
    DROPNET_UNROLL for (int i = 1; i < last; ++i) {
      u[i] = lanes::times(lanes::all(T(matrix[i][0])), g[0]);
      DROPNET_UNROLL for (int k = 1; k < K; ++k) u[i] = plus<T>(u[i], matrix[i][k], g[k]);
    }
  } else {
    DROPNET_UNROLL for (int i = 1; i < last; i += 2) {
      lanes::Packet<T> even = lanes::times(lanes::all(T(matrix[i][0])), g[0]), odd = lanes::times(lanes::all(T(matrix[i][1])), g[1]);
      DROPNET_UNROLL for (int k = 2; k < K; k += 2) even = plus<T>(even, matrix[i][k], g[k]);
      DROPNET_UNROLL for (int k = 3; k < K; k += 2) odd = plus<T>(odd, matrix[i][k], g[k]);
      u[i] = lanes::plus(even, odd);
      u[i + 1] = lanes::minus(even, odd);
    }
  }
  u[last] = g[K - 1];
  return u;
}

/// G' s
template <int K, class T>
EIGEN_ALWAYS_INLINE Line<T, K> kernel_transposed(const Line<T, points(K)>& s) {
  constexpr int last = points(K) - 1;
  constexpr auto& matrix = kernel_matrix<K>.at;
  Line<T, K> g;
  g[0] = lanes::times(lanes::all(T(matrix[0][0])), s[0]);
  DROPNET_UNROLL for (int k = 1; k < K; ++k) g[k] = lanes::all(T(0));
  if constexpr (last % 2 == 0) {
    DROPNET_UNROLL for (int i = 1; i < last; ++i)
      DROPNET_UNROLL for (int k = 0; k < K; ++k) g[k] = plus<T>(g[k], matrix[i][k], s[i]);
  } else {
    DROPNET_UNROLL for (int i = 1; i < last; i += 2) {
      const lanes::Packet<T> even = lanes::plus(s[i], s[i + 1]), odd = lanes::minus(s[i], s[i + 1]);
      DROPNET_UNROLL for (int k = 0; k < K; k += 2) g[k] = plus<T>(g[k], matrix[i][k], even);
      DROPNET_UNROLL for (int k = 1; k < K; k += 2) g[k] = plus<T>(g[k], matrix[i][k], odd);
    }
  }
  g[K - 1] = lanes::plus(g[K - 1], s[last]);
  return g;
}

/// F d F' for a transform F of lines: load(row, column) gives d, store(row, column, value) takes the result.
template <int From, int To, class T, class Transform, class Load, class Store>
EIGEN_ALWAYS_INLINE void both_ways(Transform transform, Load load, Store store) {
  lanes::Packet<T> between[std::size_t(From)][std::size_t(To)];
  for (int c = 0; c < From; ++c) {
    Line<T, From> column;
    DROPNET_UNROLL for (int r = 0; r < From; ++r) column[r] = load(r, c);
    const Line<T, To> done = transform(column);
    DROPNET_UNROLL for (int r = 0; r < To; ++r) between[c][r] = done[r];
  }
  for (int r = 0; r < To; ++r) {
    Line<T, From> row;
    DROPNET_UNROLL for (int c = 0; c < From; ++c) row[c] = between[c][r];
    const Line<T, To> done = transform(row);
    DROPNET_UNROLL for (int c = 0; c < To; ++c) store(r, c, done[c]);
  }
}

}  // namespace dropnet::winograd
