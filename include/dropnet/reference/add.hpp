#pragma once

#include <array>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class Shape, class T, std::size_t N>
void add_forward(Reference&, const std::array<Blob<T, Shape>, N>& parts, Blob<T, Shape> y) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    y.data[i] = 0;
    for (const auto& part : parts) y.data[i] += part.data[i];
  }
}

}  // namespace dropnet
