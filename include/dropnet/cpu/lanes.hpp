#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>
#include <type_traits>

/// Before a loop over registers, of a constant length of 16 at most: rolled, as compilers leave it at -O2, it keeps them in memory.
#define DROPNET_UNROLL _Pragma("GCC unroll 16")
/// Of a function that serves many shapes as it is: g++ would make one of it for each, at -O3, by putting in numbers that it knows.
#ifdef __clang__
#define DROPNET_ONCE __attribute__((noinline))
#else
#define DROPNET_ONCE __attribute__((noinline, noclone))
#endif

namespace dropnet::lanes {

// The CPU's vector registers through Eigen's packets, the layer on which its own products are built: as wide as the
// compiler's target has them (AVX-512, AVX, SSE, NEON), fused multiply-add where there is one. What stands in inner loops is inlined always:
// in a large translation unit compilers stop doing so by themselves.

template <class T>
using Packet = typename Eigen::internal::packet_traits<T>::type;
template <class T>
inline constexpr int width = Eigen::internal::packet_traits<T>::size;

#if defined(EIGEN_VECTORIZE_AVX512) || defined(EIGEN_VECTORIZE_NEON)
inline constexpr int registers = 32;
#else
inline constexpr int registers = 16;
#endif

template <class T>
EIGEN_ALWAYS_INLINE Packet<T> load(const T* from) { return Eigen::internal::ploadu<Packet<T>>(from); }
template <class T>
EIGEN_ALWAYS_INLINE void store(T* to, const Packet<T>& p) { Eigen::internal::pstoreu(to, p); }

/// A register's worth of an array, all of it.
template <class T>
using Whole = std::integral_constant<int, width<T>>;
/// Of an array's end: `count` lanes, fewer than a register has; the others are zeros, or not stored.
template <class T>
EIGEN_ALWAYS_INLINE Packet<T> load(const T* from, int count) {
  T values[width<T>] = {};
  std::copy_n(from, count, values);
  return load(values);
}
template <class T>
EIGEN_ALWAYS_INLINE Packet<T> load(const T* from, Whole<T>) { return load(from); }
template <class T>
EIGEN_ALWAYS_INLINE void store(T* to, const Packet<T>& p, int count) {
  T values[width<T>];
  store(values, p);
  std::copy_n(values, count, to);
}
template <class T>
EIGEN_ALWAYS_INLINE void store(T* to, const Packet<T>& p, Whole<T>) { store(to, p); }
/// Calls work(i, n) for n lanes from i on, until `count` values are done: n is Whole, and at the end what is left.
template <class T, class Work>
EIGEN_ALWAYS_INLINE void each(std::size_t count, Work work) {
  std::size_t i = 0;
  for (; i + width<T> <= count; i += width<T>) work(i, Whole<T>());
  if (i < count) work(i, int(count - i));
}

/// Asks for `count` values in a row. Inlined always also because g++ takes a function that only does this for one that does nothing.
template <class T>
EIGEN_ALWAYS_INLINE void prefetch(const T* from, int count) {
  for (int i = 0; i < count; i += 64 / int(sizeof(T))) __builtin_prefetch(from + i);
}
template <class T>
EIGEN_ALWAYS_INLINE Packet<T> all(T value) { return Eigen::internal::pset1<Packet<T>>(value); }
template <class P>
EIGEN_ALWAYS_INLINE P plus(const P& a, const P& b) { return Eigen::internal::padd(a, b); }
template <class P>
EIGEN_ALWAYS_INLINE P minus(const P& a, const P& b) { return Eigen::internal::psub(a, b); }
template <class P>
EIGEN_ALWAYS_INLINE P times(const P& a, const P& b) { return Eigen::internal::pmul(a, b); }
/// NaN stays NaN.
template <class P, class T>
EIGEN_ALWAYS_INLINE P at_least(const P& p, T least) { return Eigen::internal::pmax(p, Eigen::internal::pset1<P>(least)); }
/// Where p is positive all bits of a lane, elsewhere none.
template <class P>
EIGEN_ALWAYS_INLINE P positive(const P& p) { return Eigen::internal::pcmp_lt(Eigen::internal::pzero(p), p); }
/// Where all bits of the mask's lane are set a, where none are b.
template <class P>
EIGEN_ALWAYS_INLINE P select(const P& mask, const P& a, const P& b) { return Eigen::internal::pselect(mask, a, b); }
/// to = p, or to += p, of n lanes as each() has them.
template <class T, class N>
EIGEN_ALWAYS_INLINE void put(T* to, const Packet<T>& p, N n, bool add) { store(to, add ? plus(load(to, n), p) : p, n); }
/// a b + c
template <class P>
EIGEN_ALWAYS_INLINE P fma(const P& a, const P& b, const P& c) { return Eigen::internal::pmadd(a, b, c); }
template <class P>
EIGEN_ALWAYS_INLINE auto sum(const P& p) { return Eigen::internal::predux(p); }

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a register's type as an argument of Eigen's template: only its alignment is ignored
#endif
/// As many registers as one has lanes: lane j of load(i) becomes lane i of what store(j, register) takes.
template <class T, class Load, class Store>
EIGEN_ALWAYS_INLINE void transpose(Load load, Store store) {
  Eigen::internal::PacketBlock<Packet<T>, width<T>> square;
  DROPNET_UNROLL for (int i = 0; i < width<T>; ++i) square.packet[i] = load(i);
  if constexpr (width<T> > 1) Eigen::internal::ptranspose(square);
  DROPNET_UNROLL for (int i = 0; i < width<T>; ++i) store(i, square.packet[i]);
}
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

}  // namespace dropnet::lanes
