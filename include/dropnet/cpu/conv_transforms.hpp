#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/cpu/conv_tiles.hpp"
#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/sums.hpp"
#include "dropnet/cpu/winograd.hpp"

namespace dropnet::winograd {

// The steps of a convolution by tiles, a tile or a filter in each lane.

/// B' d B of the window at `from`, a value every Point scalars.
template <int N, class T, std::size_t Point>
EIGEN_ALWAYS_INLINE void transform_input(const T* from, std::ptrdiff_t pitch, T* to) {
  both_ways<N, N, T>([](const Line<T, N>& line) { return input<N>(line); },
                               [&](int r, int c) { return lanes::load(from + r * pitch + c * lanes::width<T>); },
                               [&](int i, int j, const lanes::Packet<T>& p) { lanes::store(to + std::size_t(i * N + j) * Point, p); });
}

/// A d A' of the tile of gradients at `from`, likewise; its values are added to `total`.
template <int N, class T, std::size_t Point>
EIGEN_ALWAYS_INLINE void transform_gradient(const T* from, std::ptrdiff_t pitch, T* to, lanes::Packet<T>& total) {
  both_ways<outputs, N, T>([](const Line<T, outputs>& line) { return output_transposed<N>(line); },
                           [&](int r, int q) {
                             const lanes::Packet<T> value = lanes::load(from + r * pitch + q * lanes::width<T>);
                             total = lanes::plus(total, value);
                             return value;
                           },
                           [&](int i, int j, const lanes::Packet<T>& value) { lanes::store(to + std::size_t(i * N + j) * Point, value); });
}

/// Kernels as they lie in memory: that of filter f and channel c begins at f filter + c channel; turned by half a turn if wanted.
template <class T>
struct Kernels {
  const T* data;
  std::ptrdiff_t filter, channel;
  bool turned;

  /// to[tap][l]: the kernels of `count` filters from f on.
  template <int K>
  void gather(int f, int count, int c, T (&to)[std::size_t(K * K)][std::size_t(lanes::width<T>)]) const {
    constexpr int L = lanes::width<T>, taps = K * K;
    const T* from = data + f * filter + c * channel;
    if (count == L && taps >= L) {
      for (int tap = 0; tap < taps; tap += L) {
        const int first = std::min(tap, taps - L);
        lanes::transpose<T>([&](int l) { return lanes::load(from + l * filter + first); },
                            [&](int i, const lanes::Packet<T>& tap_of) { lanes::store(to[turned ? taps - 1 - first - i : first + i], tap_of); });
      }
    } else {
      for (int l = 0; l < count; ++l)
        for (int tap = 0; tap < taps; ++tap) to[turned ? taps - 1 - tap : tap][l] = from[l * filter + tap];
    }
  }
};

/// G g G' of `count` filters from f on, a value every Point scalars.
template <int K, std::size_t Point, class T>
EIGEN_ALWAYS_INLINE void transform_kernels(const Kernels<T>& weights, int f, int count, int c, T* to) {
  constexpr int N = points(K);
  T g[std::size_t(K * K)][std::size_t(lanes::width<T>)] = {};
  weights.template gather<K>(f, count, c, g);
  both_ways<K, N, T>([](const Line<T, K>& line) { return kernel<K>(line); }, [&](int ky, int kx) { return lanes::load(g[ky * K + kx]); },
                     [&](int i, int j, const lanes::Packet<T>& u) { lanes::store(to + std::size_t(i * N + j) * Point, u); });
}

/// max(A' m A + bias, least), to rows at a pitch.
template <int N, class T, std::size_t Point>
EIGEN_ALWAYS_INLINE void transform_back(const T* from, T bias, T least, T* to, std::ptrdiff_t pitch) {
  const lanes::Packet<T> offset = lanes::all(bias);
  both_ways<N, outputs, T>([](const Line<T, N>& line) { return output<N>(line); },
                           [&](int i, int j) { return lanes::load(from + std::size_t(i * N + j) * Point); },
                           [&](int r, int c, const lanes::Packet<T>& p) { lanes::store(to + r * pitch + c * lanes::width<T>, lanes::at_least(lanes::plus(p, offset), least)); });
}

// The same for all tiles of a part: that of channel or filter c in vector t has its values at (c Most + t) lanes. Source is the Strip of
// the inputs, Target that of the outputs, `strip` memory for one of either.

/// Channels begin..end of the batch at x.
template <auto Source, int N, int Most, std::size_t Point, class T>
void transform_inputs(const Part& part, const T* x, int begin, int end, T* strip, T* to) {
  Source.clear(part, strip);
  for (int c = begin; c < end; ++c) {
    Source.gather(part, x + std::size_t(c) * Source.plane.size(), strip);
    for (int t = 0; t < part.vectors; ++t) transform_input<N, T, Point>(strip + Source.place(part, t), Source.pitch(part), to + std::size_t(c * Most + t) * lanes::width<T>);
  }
}

/// Filters begin..end of the batch's gradients at dy; the sum of each is added to db.
template <auto Target, int N, int Most, std::size_t Point, class T>
void transform_gradients(const Part& part, const T* dy, int begin, int end, T* strip, T* to, T* db) {
  Target.clear(part, strip);
  for (int f = begin; f < end; ++f) {
    Target.gather(part, dy + std::size_t(f) * Target.plane.size(), strip);
    lanes::Packet<T> total = lanes::all(T(0));
    for (int t = 0; t < part.vectors; ++t)
      transform_gradient<N, T, Point>(strip + Target.place(part, t), Target.pitch(part), to + std::size_t(f * Most + t) * lanes::width<T>, total);
    db[f] += lanes::sum(total);
  }
}

/// One filter's outputs, y of the batch's first sample, out of its values.
template <auto Target, int N, std::size_t Point, class T>
void transform_outputs(const Part& part, const T* from, T bias, T least, T* strip, T* y, bool add) {
  for (int t = 0; t < part.vectors; ++t)
    transform_back<N, T, Point>(from + std::size_t(t) * lanes::width<T>, bias, least, strip + Target.place(part, t), Target.pitch(part));
  Target.scatter(part, strip, y, add);
}

/// m = (or +=) w v at one point: v [channel][vector], `Most` vectors apart; w [channel][filter], `Pitch` filters apart; m [filter][vector].
template <class T, int Filters, int Vectors, int Most, int Pitch, bool Add>
EIGEN_ALWAYS_INLINE void multiply_tile(const T* v, const T* w, T* m, int channels) {
  constexpr int pitch = Most * lanes::width<T>;
  using Sums = lanes::Sums<T, Filters, Vectors>;
  Sums sums = Add ? Sums(m, pitch) : Sums();
  sums.add(channels, w, 1, Pitch, v, pitch);
  sums.store_to(m, pitch);
}

}  // namespace dropnet::winograd
