#pragma once

#include <cstddef>
#include <limits>

namespace dropnet {

/// The shape of one sample, [channel][row][column], as an empty value. A vector is `Image<N, 1, 1>`.
template <int C, int H, int W>
struct Image {
  static_assert(C > 0 && H > 0 && W > 0, "dropnet: Image: channels, height and width must be positive");
  static constexpr int channels = C;
  static constexpr int height = H;
  static constexpr int width = W;
  static constexpr std::size_t plane = std::size_t(H) * W;
  static constexpr std::size_t size = plane * C;
};

/// A depth that is given at run time: `DropInStack<First, New, Dynamic>{.count = 37}`.
/// The smallest int, so that a wrong N - 1 can never be taken for it.
inline constexpr int Dynamic = std::numeric_limits<int>::min();

namespace detail {

/// A depth: part of the type, or, for Dynamic, a number that must be given.
template <int N>
struct Count {
  static_assert(N >= 0, "dropnet: a count of layers must be at least 0");
  constexpr operator int() const { return N; }
  static constexpr bool given() { return true; }
};

template <>
struct Count<Dynamic> {
  int number = -1;
  constexpr Count() = default;
  constexpr Count(int n) : number(n) {}
  constexpr operator int() const { return number; }
  constexpr bool given() const { return number >= 0; }
};

}  // namespace detail
}  // namespace dropnet
