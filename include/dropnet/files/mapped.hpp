#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>

#include "dropnet/core/error.hpp"

namespace dropnet::detail {

/// A file's bytes without a copy: the system reads them when they are first used, and again where memory had become short. The file
/// must stay as long as it was.
class Mapped {
 public:
  /// Throws Error if it cannot be opened, or is empty.
  explicit Mapped(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat info {};
    const bool known = file >= 0 && ::fstat(file, &info) == 0;
    if (known && info.st_size > 0) data_ = ::mmap(nullptr, std::size_t(info.st_size), PROT_READ, MAP_PRIVATE, file, 0);
    const std::string why = std::strerror(errno);
    if (file >= 0) ::close(file);
    if (data_ == MAP_FAILED) throw Error(path + ": cannot be mapped: " + (known && info.st_size == 0 ? "it is empty" : why));
    length_ = std::size_t(info.st_size);
  }
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  ~Mapped() { ::munmap(data_, length_); }

  std::span<const std::uint8_t> bytes() const { return {static_cast<const std::uint8_t*>(data_), length_}; }

 private:
  void* data_ = MAP_FAILED;
  std::size_t length_ = 0;
};

}  // namespace dropnet::detail
