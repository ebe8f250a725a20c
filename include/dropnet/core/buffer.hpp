#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>
#include <span>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace dropnet {

/// Host memory at a multiple of 64 bytes that begins as zeros. The system hands out its pages when they are
/// first touched, so that what nothing runs through costs nothing. A copy copies.
template <class T>
class HostBuffer {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  HostBuffer() = default;
  explicit HostBuffer(std::size_t size) : size_(size) {
    if (size == 0) return;
    if (size > (SIZE_MAX - 64) / sizeof(T) || !(block_ = std::calloc(size * sizeof(T) + 64, 1))) throw std::bad_alloc();
    data_ = reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(block_) + 63) / 64 * 64);
    ask_for_large_pages();
  }
  HostBuffer(const HostBuffer& other) : HostBuffer(other.size_) { std::copy_n(other.data_, size_, data_); }
  HostBuffer(HostBuffer&& other) noexcept { swap(other); }
  HostBuffer& operator=(const HostBuffer& other) { return *this = HostBuffer(other); }
  HostBuffer& operator=(HostBuffer&& other) noexcept {
    HostBuffer old(std::move(other));
    swap(old);
    return *this;
  }
  ~HostBuffer() { std::free(block_); }

  T* data() { return data_; }
  const T* data() const { return data_; }
  std::size_t size() const { return size_; }

  // How code that does not know the backend reaches the values.
  void upload(std::size_t offset, std::span<const T> from) { std::copy(from.begin(), from.end(), data_ + offset); }
  void download(std::size_t offset, std::span<T> to) const { std::copy_n(data_ + offset, to.size(), to.begin()); }

 private:
  /// A wish that the system may pass over: of a large buffer a processor finds its places faster in pages of 2 MB.
  void ask_for_large_pages() {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
    constexpr std::uintptr_t page = 2 << 20;
    if (size_ * sizeof(T) < 8 * page) return;
    const auto begin = (reinterpret_cast<std::uintptr_t>(data_) + page - 1) / page * page, end = reinterpret_cast<std::uintptr_t>(data_ + size_) / page * page;
    (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
#endif
  }
  void swap(HostBuffer& other) noexcept {
    std::swap(block_, other.block_);
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
  }
  void* block_ = nullptr;
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace dropnet
