#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "dropnet/cuda/check.hpp"

namespace dropnet::cuda {

/// Host memory that the device copies from by itself, while the host goes on: whoever has queued a copy keeps what is there until the
/// copy is done.
template <class T>
class PinnedBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  PinnedBuffer() = default;
  explicit PinnedBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    void* data = nullptr;
    check(cudaHostAlloc(&data, size * sizeof(T), cudaHostAllocDefault), "cudaHostAlloc");
    data_ = static_cast<T*>(data);
  }
  PinnedBuffer(PinnedBuffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  PinnedBuffer& operator=(PinnedBuffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    return *this;
  }
  ~PinnedBuffer() {
    if (data_) cudaFreeHost(data_);
  }

  T* data() { return data_; }
  std::span<const T> first(std::size_t count) const { return {data_, count}; }
  std::size_t size() const { return size_; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace dropnet::cuda
