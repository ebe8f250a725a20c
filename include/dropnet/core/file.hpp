#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <memory>
#include <string>

#include "dropnet/core/error.hpp"

namespace dropnet::detail {

/// A file of bytes whose length is known before anything of it is kept.
class File {
 public:
  /// Throws Error if it cannot be opened or has no length.
  explicit File(const std::string& path) : path_(path), file_(std::fopen(path.c_str(), "rb"), &std::fclose) {
    if (!file_) throw fail("cannot be opened; is it there and readable?");
    const bool sought = std::fseek(file_.get(), 0, SEEK_END) == 0;
    const long end = sought ? std::ftell(file_.get()) : -1;
    if (end < 0 || end == std::numeric_limits<long>::max()) throw fail("cannot be read; is it a file?");
    std::rewind(file_.get());
    length_ = std::size_t(end);
  }
  std::size_t length() const { return length_; }
  /// The next `count` bytes. Throws Error if they cannot be had.
  void read(std::uint8_t* to, std::size_t count) {
    if (std::fread(to, 1, count, file_.get()) != count) throw fail("cannot be read to its end");
  }
  Error fail(const std::string& what) const { return Error(path_ + ": " + what); }

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::size_t length_ = 0;
};

}  // namespace dropnet::detail
