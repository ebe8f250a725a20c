#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "dropnet/cuda/check.hpp"
#include "dropnet/cuda/kernels.hpp"

namespace dropnet::cuda {

/// Device memory that begins as zeros; a copy copies. With a stream, transfers take place in that stream's order;
/// without one, in that of the calling thread, and they are done when the call returns.
template <class T>
class DeviceBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  DeviceBuffer() = default;
  /// Throws Error with some `advice` if there is not so much of it.
  explicit DeviceBuffer(std::size_t size, cudaStream_t stream = nullptr, const char* advice = "use a smaller batch") : size_(size), stream_(stream) {
    if (size == 0) return;
    void* data = nullptr;
    if (const cudaError_t e = cudaMalloc(&data, size * sizeof(T)); e != cudaSuccess) {
      cudaGetLastError();  // or the next kernel's launch would be blamed for it
      refused(e, advice);
    }
    data_ = static_cast<T*>(data);
    try {
      check(cudaMemsetAsync(data_, 0, size * sizeof(T), order()), "cudaMemsetAsync");
      finish();
    } catch (...) {
      cudaFree(data_);
      throw;
    }
  }
  DeviceBuffer(const DeviceBuffer& other) : DeviceBuffer(other.size_, other.stream_) {
    if (size_ == 0) return;
    check(cudaMemcpyAsync(data_, other.data_, size_ * sizeof(T), cudaMemcpyDeviceToDevice, order()), "cudaMemcpyAsync");
    finish();
  }
  DeviceBuffer(DeviceBuffer&& other) noexcept { swap(other); }
  DeviceBuffer& operator=(const DeviceBuffer& other) { return *this = DeviceBuffer(other); }
  DeviceBuffer& operator=(DeviceBuffer&& other) noexcept {
    DeviceBuffer old(std::move(other));
    swap(old);
    return *this;
  }
  ~DeviceBuffer() {
    if (data_) cudaFree(data_);
  }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

  /// Small ones are queued with their values, large ones wait: `from` is the caller's again when the call returns.
  void upload(std::size_t offset, std::span<const T> from) {
    if (from.empty()) return;
    if (stream_ && from.size_bytes() <= 65536 && from.size_bytes() % 4 == 0) return kernels::poke(stream_, data_ + offset, from.data(), from.size_bytes());
    check(cudaMemcpyAsync(data_ + offset, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, order()), "cudaMemcpyAsync");
    finish();
  }
  /// The same, and the call returns at once: `from` must stay as it is until `stream` has done this.
  void queue_upload(cudaStream_t stream, std::size_t offset, std::span<const T> from) {
    if (!from.empty()) check(cudaMemcpyAsync(data_ + offset, from.data(), from.size_bytes(), cudaMemcpyHostToDevice, stream), "cudaMemcpyAsync");
  }
  void download(std::size_t offset, std::span<T> to) const {
    if (to.empty()) return;
    check(cudaMemcpyAsync(to.data(), data_ + offset, to.size_bytes(), cudaMemcpyDeviceToHost, order()), "cudaMemcpyAsync");
    finish();
  }

 private:
  cudaStream_t order() const { return stream_ ? stream_ : cudaStreamPerThread; }
  void finish() const { check(cudaStreamSynchronize(order()), "cudaStreamSynchronize"); }
  [[noreturn]] void refused(cudaError_t e, const char* advice) const {
    require_device();
    std::size_t free = 0, all = 0;
    if (e != cudaErrorMemoryAllocation || cudaMemGetInfo(&free, &all) != cudaSuccess) check(e, "cudaMalloc");
    const auto mib = [](std::size_t bytes) { return std::to_string(bytes >> 20) + " MiB"; };
    throw Error("dropnet: Cuda: out of memory: " + mib(size_ * sizeof(T)) + " wanted, " + mib(free) + " of " + mib(all) +
                " free; " + advice);
  }
  void swap(DeviceBuffer& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(stream_, other.stream_);
  }

  T* data_ = nullptr;
  std::size_t size_ = 0;
  cudaStream_t stream_ = nullptr;
};

}  // namespace dropnet::cuda
