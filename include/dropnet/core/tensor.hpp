#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "dropnet/core/buffer.hpp"
#include "dropnet/core/error.hpp"
#include "dropnet/core/shape.hpp"

namespace dropnet {

/// A batch of images that owns its memory: [batch][channel][row][column].
template <class Shape, class T = float>
class Tensor {
 public:
  using shape = Shape;
  using value_type = T;

  /// Zeros. Throws Error if the batch is negative.
  explicit Tensor(int batch) : batch_(checked(batch)), values_(std::size_t(batch) * Shape::size) {}
  /// Throws Error if the number of values is not batch times the sample's size.
  Tensor(int batch, std::span<const T> values) : Tensor(batch) {
    if (values.size() != values_.size())
      throw Error("dropnet: Tensor: " + std::to_string(values.size()) + " values for a batch of " + std::to_string(batch) +
                  " samples of " + std::to_string(Shape::size) + "; give exactly " + std::to_string(values_.size()));
    values_.upload(0, values);
  }

  int batch() const { return batch_; }
  T* data() { return values_.data(); }
  const T* data() const { return values_.data(); }
  std::span<T> values() { return {values_.data(), values_.size()}; }
  std::span<const T> values() const { return {values_.data(), values_.size()}; }
  std::span<T> sample(int n) { return values().subspan(std::size_t(n) * Shape::size, Shape::size); }
  std::span<const T> sample(int n) const { return values().subspan(std::size_t(n) * Shape::size, Shape::size); }

  T& operator()(int n, int c, int row, int column) { return values_.data()[index(n, c, row, column)]; }
  const T& operator()(int n, int c, int row, int column) const { return values_.data()[index(n, c, row, column)]; }

 private:
  static std::size_t index(int n, int c, int row, int column) {
    return ((std::size_t(n) * Shape::channels + std::size_t(c)) * Shape::height + std::size_t(row)) * Shape::width + std::size_t(column);
  }
  static int checked(int batch) {
    if (batch < 0) throw Error("dropnet: Tensor: the batch is " + std::to_string(batch) + "; it must be at least 0");
    return batch;
  }
  int batch_ = 0;
  HostBuffer<T> values_;
};

}  // namespace dropnet
