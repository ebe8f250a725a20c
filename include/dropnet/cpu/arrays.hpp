#pragma once

#include <Eigen/Core>
#include <cstddef>

namespace dropnet::detail {

template <class T>
using Array = Eigen::Array<T, Eigen::Dynamic, 1>;

/// Memory from `begin` to `end` as an Eigen array, without a copy.
template <class T>
Eigen::Map<Array<T>> array(T* data, std::size_t begin, std::size_t end) {
  return {data + begin, std::ptrdiff_t(end - begin)};
}
template <class T>
Eigen::Map<const Array<T>> array(const T* data, std::size_t begin, std::size_t end) {
  return {data + begin, std::ptrdiff_t(end - begin)};
}

/// to = from, or to += from.
template <class To, class From>
void put(To to, const From& from, bool add) {
  if (add)
    to += from;
  else
    to = from;
}

}  // namespace dropnet::detail
