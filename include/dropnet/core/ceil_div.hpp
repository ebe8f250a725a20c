#pragma once

#include <type_traits>

namespace dropnet::detail {

/// Groups of `each` that hold n.
template <class T>
constexpr T ceil_div(T n, std::type_identity_t<T> each) {
  return (n + each - 1) / each;
}

}  // namespace dropnet::detail
