#pragma once

#include <cstddef>
#include <utility>

#include "dropnet/cpu/lanes.hpp"

namespace dropnet::lanes {

/// Calls work<n>() with n = count, 1 to Most.
template <int Most, class Work>
EIGEN_ALWAYS_INLINE void with_count(int count, Work work) {
  if constexpr (Most > 1) {
    if (count < Most) return with_count<Most - 1>(count, work);
  }
  work.template operator()<Most>();
}

/// Sums of products in registers: rows of Vectors vectors each. All products on the CPU come down to `add`.
template <class T, int Rows, int Vectors, class = std::make_integer_sequence<int, Rows * Vectors>>
struct Sums;

/// I counts the sums: compilers keep them in registers only if no index is a variable.
template <class T, int Rows, int Vectors, int... I>
struct Sums<T, Rows, Vectors, std::integer_sequence<int, I...>> {
  Packet<T> of[std::size_t(Rows * Vectors)];

  EIGEN_ALWAYS_INLINE Sums() { ((of[I] = all(T(0))), ...); }
  /// The sums stored at `from`, rows a pitch apart.
  EIGEN_ALWAYS_INLINE Sums(const T* from, std::ptrdiff_t pitch) { ((of[I] = load(from + place<I>(pitch))), ...); }
  EIGEN_ALWAYS_INLINE void store_to(T* to, std::ptrdiff_t pitch) const { (store(to + place<I>(pitch), of[I]), ...); }
  /// Asks for the lines where sums will be stored.
  static EIGEN_ALWAYS_INLINE void prefetch(const T* to, std::ptrdiff_t pitch) { (__builtin_prefetch(to + place<I>(pitch), 1), ...); }
  /// Adds what is stored at `from`.
  EIGEN_ALWAYS_INLINE void plus_stored(const T* from, std::ptrdiff_t pitch) { ((of[I] = plus(load(from + place<I>(pitch)), of[I])), ...); }
  /// max(sum + bias, least) with a bias for each row.
  EIGEN_ALWAYS_INLINE void finish(const T* bias, T least) { ((of[I] = at_least(plus(of[I], all(bias[I / Vectors])), least)), ...); }

  /// Adds factor(r, k) value(k, v) over k = 0..length. Factors lie `row` scalars apart from row to row, vectors of values `vector` from
  /// vector to vector, and both a step from one k to the next.
  EIGEN_ALWAYS_INLINE void add(int length, const T* factors, std::ptrdiff_t row, std::ptrdiff_t factor_step, const T* values, std::ptrdiff_t value_step,
                               std::ptrdiff_t vector = width<T>) {
    for (int k = 0; k < length; ++k, factors += factor_step, values += value_step)
      ((of[I] = fma(all(factors[I / Vectors * row]), load(values + I % Vectors * vector), of[I])), ...);
  }

 private:
  template <int At>
  static constexpr std::ptrdiff_t place(std::ptrdiff_t pitch) { return At / Vectors * pitch + At % Vectors * width<T>; }
};

}  // namespace dropnet::lanes
