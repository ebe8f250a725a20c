#pragma once

#include <cstddef>

#include "dropnet/cpu/lanes.hpp"

namespace dropnet::lanes {

/// Calls work<n>() with n = count, 1 to Most.
template <int Most, class Work>
EIGEN_STRONG_INLINE void with_count(int count, Work work) {
  if constexpr (Most > 1) {
    if (count < Most) return with_count<Most - 1>(count, work);
  }
  work.template operator()<Most>();
}

/// Sums of products in registers: rows of Vectors vectors each. All products on the CPU come down to `add`.
template <class T, int Rows, int Vectors>
struct Sums {
  Packet<T> of[Rows][Vectors];

  EIGEN_STRONG_INLINE Sums() {
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) of[r][v] = all(T(0));
  }
  /// The sums stored at `from`, rows a pitch apart.
  EIGEN_STRONG_INLINE Sums(const T* from, std::ptrdiff_t pitch) {
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) of[r][v] = load(from + r * pitch + v * width<T>);
  }
  EIGEN_STRONG_INLINE void store_to(T* to, std::ptrdiff_t pitch) const {
    for (int r = 0; r < Rows; ++r)
      for (int v = 0; v < Vectors; ++v) store(to + r * pitch + v * width<T>, of[r][v]);
  }

  /// Adds factor(r, k) value(k, v) over k = 0..length. Factors lie FactorRow scalars apart from row to row, vectors of values ValueVector
  /// from vector to vector, and both a step from one k to the next.
  template <std::ptrdiff_t FactorRow, std::ptrdiff_t ValueVector = width<T>>
  EIGEN_STRONG_INLINE void add(int length, const T* factors, std::ptrdiff_t factor_step, const T* values, std::ptrdiff_t value_step) {
    for (int k = 0; k < length; ++k, factors += factor_step, values += value_step) {
      Packet<T> value[Vectors];
      for (int v = 0; v < Vectors; ++v) value[v] = load(values + v * ValueVector);
      for (int r = 0; r < Rows; ++r) {
        const Packet<T> factor = all(factors[r * FactorRow]);
        for (int v = 0; v < Vectors; ++v) of[r][v] = fma(factor, value[v], of[r][v]);
      }
    }
  }
};

}  // namespace dropnet::lanes
