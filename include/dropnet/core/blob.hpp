#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/shape.hpp"

namespace dropnet {

/// What a layer may note per unit in forward, such as which input won a pooling window.
using Index = std::uint16_t;

/// A view of a batch, [batch][value]: what a Blob is for those that need not know its shape when they are compiled.
template <class T>
struct Values {
  T* data = nullptr;
  T* diff = nullptr;
  int batch = 0;
  std::size_t each = 0;  ///< values of a sample
  bool add = false;      ///< as in Blob

  std::size_t size() const { return std::size_t(batch) * each; }
  T* sample(int n) const { return data + std::size_t(n) * each; }
  T* sample_diff(int n) const { return diff + std::size_t(n) * each; }
};

/// A view of a batch, [batch][channel][row][column], with its gradient.
/// `diff == nullptr`: no gradient is wanted. `add`: backward adds to `diff` instead of writing it. `from`: channels before it
/// are not wanted of the op that writes `data`. It may leave them as they are, and then passes them over in backward, for their `diff` may
/// hold anything; where it does compute them, their `diff` holds zeros.
template <class T, class Shape>
struct Blob {
  using shape = Shape;
  T* data = nullptr;
  T* diff = nullptr;
  int batch = 0;
  bool add = false;
  int from = 0;

  static constexpr std::size_t sample_size = Shape::size;
  std::size_t size() const { return std::size_t(batch) * Shape::size; }
  T* sample(int n) const { return data + std::size_t(n) * Shape::size; }
  T* sample_diff(int n) const { return diff + std::size_t(n) * Shape::size; }
  Blob adding() const {
    Blob b = *this;
    b.add = true;
    return b;
  }
  Blob channels_from(int channel) const {
    Blob b = *this;
    b.from = channel > from ? channel : from;
    return b;
  }
};

/// A weight tensor with its gradient. `diff == nullptr`: no gradient is wanted. `add`: as in Blob.
template <class T>
struct Weight {
  const T* data = nullptr;
  T* diff = nullptr;
  bool add = false;
};

}  // namespace dropnet
