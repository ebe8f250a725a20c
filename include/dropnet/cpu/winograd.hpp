#pragma once

#include <cstddef>

#include "dropnet/cpu/lanes.hpp"

namespace dropnet::winograd {

// Minimal filtering F(M x M, K x K) with M + K - 1 = 6: M x M outputs of a K x K correlation out of 36 products per channel
// instead of M M K K, for the points 0, 1, -1, 2, -2 and infinity (A. Lavin, S. Gray, "Fast Algorithms for Convolutional Neural
// Networks", 2015, section 4.1; K = 5 by the same construction).
//   outputs         y  = A' [(G g G') . (B' d B)] A
//   weight gradient dg = G' [(A dy A') . (B' d B)] G
// All transforms work on whole vector registers, a tile in each lane.

inline constexpr int points = 6;
inline constexpr int products = points * points;

/// Outputs of a tile's side for a kernel's side; 0 where there is no such form.
constexpr int outputs(int kernel) { return kernel == 3 || kernel == 5 ? points + 1 - kernel : 0; }

/// A row or a column of a tile: N registers.
template <class T, int N>
struct Line {
  lanes::Packet<T> at[N];
  EIGEN_STRONG_INLINE lanes::Packet<T>& operator[](int i) { return at[i]; }
  EIGEN_STRONG_INLINE const lanes::Packet<T>& operator[](int i) const { return at[i]; }
};

/// a + factor b
template <class T>
EIGEN_STRONG_INLINE lanes::Packet<T> plus(const lanes::Packet<T>& a, double factor, const lanes::Packet<T>& b) { return lanes::fma(lanes::all(T(factor)), b, a); }

/// B' d
template <class T>
EIGEN_STRONG_INLINE Line<T, points> input(const Line<T, points>& d) {
  const lanes::Packet<T> a = plus<T>(d[4], -4, d[2]), b = plus<T>(d[3], -4, d[1]);
  const lanes::Packet<T> c = lanes::minus(d[4], d[2]), e = lanes::times(lanes::all(T(2)), lanes::minus(d[3], d[1]));
  return {plus<T>(plus<T>(d[4], -5, d[2]), 4, d[0]), lanes::plus(a, b), lanes::minus(a, b), lanes::plus(c, e), lanes::minus(c, e),
          plus<T>(plus<T>(d[5], -5, d[3]), 4, d[1])};
}

/// A' m
template <int M, class T>
EIGEN_STRONG_INLINE Line<T, M> output(const Line<T, points>& m) {
  const lanes::Packet<T> even1 = lanes::plus(m[1], m[2]), odd1 = lanes::minus(m[1], m[2]);
  const lanes::Packet<T> even2 = lanes::plus(m[3], m[4]), odd2 = lanes::minus(m[3], m[4]);
  if constexpr (M == 4)
    return {lanes::plus(lanes::plus(m[0], even1), even2), plus<T>(odd1, 2, odd2), plus<T>(even1, 4, even2), lanes::plus(plus<T>(odd1, 8, odd2), m[5])};
  else
    return {lanes::plus(lanes::plus(m[0], even1), even2), lanes::plus(plus<T>(odd1, 2, odd2), m[5])};
}

/// A y
template <int M, class T>
EIGEN_STRONG_INLINE Line<T, points> output_transposed(const Line<T, M>& y) {
  if constexpr (M == 4) {
    const lanes::Packet<T> even1 = lanes::plus(y[0], y[2]), odd1 = lanes::plus(y[1], y[3]);
    const lanes::Packet<T> even2 = plus<T>(y[0], 4, y[2]), odd2 = plus<T>(lanes::times(lanes::all(T(2)), y[1]), 8, y[3]);
    return {y[0], lanes::plus(even1, odd1), lanes::minus(even1, odd1), lanes::plus(even2, odd2), lanes::minus(even2, odd2), y[3]};
  } else {
    return {y[0], lanes::plus(y[0], y[1]), lanes::minus(y[0], y[1]), plus<T>(y[0], 2, y[1]), plus<T>(y[0], -2, y[1]), y[1]};
  }
}

/// G: row i holds the powers of point i, over the product of its distances to the other points.
template <int K>
struct Matrix {
  double at[points][K];
};
template <int K>
inline constexpr Matrix<K> kernel_matrix = [] {
  constexpr double at[] = {0, 1, -1, 2, -2};
  Matrix<K> g{};
  for (int i = 0; i < points - 1; ++i) {
    double scale = 1, power = 1;
    for (double other : at)
      if (other != at[i]) scale *= at[i] - other;
    for (int k = 0; k < K; ++k, power *= at[i]) g.at[i][k] = power / scale;
  }
  g.at[points - 1][K - 1] = 1;
  return g;
}();

/// G g
template <int K, class T>
EIGEN_STRONG_INLINE Line<T, points> kernel(const Line<T, K>& g) {
  Line<T, points> u;
  for (int i = 0; i < points; ++i) {
    u[i] = lanes::times(lanes::all(T(kernel_matrix<K>.at[i][0])), g[0]);
    for (int k = 1; k < K; ++k) u[i] = plus<T>(u[i], kernel_matrix<K>.at[i][k], g[k]);
  }
  return u;
}

/// G' s
template <int K, class T>
EIGEN_STRONG_INLINE Line<T, K> kernel_transposed(const Line<T, points>& s) {
  Line<T, K> g;
  for (int k = 0; k < K; ++k) {
    g[k] = lanes::times(lanes::all(T(kernel_matrix<K>.at[0][k])), s[0]);
    for (int i = 1; i < points; ++i) g[k] = plus<T>(g[k], kernel_matrix<K>.at[i][k], s[i]);
  }
  return g;
}

/// F d F' for a transform F of lines: load(row, column) gives d, store(row, column, value) takes the result.
template <int From, int To, class T, class Transform, class Load, class Store>
EIGEN_STRONG_INLINE void both_ways(Transform transform, Load load, Store store) {
  lanes::Packet<T> between[From][To];
  for (int c = 0; c < From; ++c) {
    Line<T, From> column;
    for (int r = 0; r < From; ++r) column[r] = load(r, c);
    const Line<T, To> done = transform(column);
    for (int r = 0; r < To; ++r) between[c][r] = done[r];
  }
  for (int r = 0; r < To; ++r) {
    Line<T, From> row;
    for (int c = 0; c < From; ++c) row[c] = between[c][r];
    const Line<T, To> done = transform(row);
    for (int c = 0; c < To; ++c) store(r, c, done[c]);
  }
}

}  // namespace dropnet::winograd
