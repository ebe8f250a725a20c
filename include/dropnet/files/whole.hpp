#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/file.hpp"

namespace dropnet::detail {

inline std::vector<std::uint8_t> read_whole(const std::string& path) {
  File file(path);
  std::vector<std::uint8_t> bytes(file.length());
  file.read(bytes.data(), bytes.size());
  return bytes;
}

/// An open file or folder. All failures are Errors that name the path and say what the system said.
class Descriptor {
 public:
  Descriptor(std::string path, int flags) : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
    if (descriptor_ < 0) fail("cannot be opened", "is its folder there and writable?");
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail("cannot be written to its end", "make room, or name another folder");
      bytes = bytes.subspan(std::size_t(written));
    }
  }
  /// Waits until the disk has it. A file system that cannot say so is taken at its word.
  void flush() {
    if (::fsync(descriptor_) != 0 && errno != EINVAL && errno != ENOTSUP) fail("cannot be flushed to the disk", "is the disk full or damaged?");
  }
  /// Where the next write goes.
  void seek(std::size_t offset) {
    if (::lseek(descriptor_, off_t(offset), SEEK_SET) < 0) fail("cannot be written at another place", "is it a file?");
  }
  void truncate(std::size_t length) {
    if (::ftruncate(descriptor_, off_t(length)) != 0) fail("cannot be cut to its length", "is it a file?");
  }
  /// Takes room for so many bytes.
  void reserve(std::size_t bytes) {
    if (bytes == 0) return;
    errno = ::posix_fallocate(descriptor_, 0, off_t(bytes));
    if (errno != 0 && errno != EINVAL && errno != ENOTSUP) fail("there is no room for " + std::to_string(bytes) + " bytes", "make room, or name another folder");
  }

 private:
  [[noreturn]] void fail(const std::string& what, const char* remedy) const {
    throw Error(path_ + ": " + what + ": " + std::strerror(errno) + "; " + remedy);
  }
  std::string path_;
  int descriptor_;
};

/// The folder that a path lies in.
inline std::string folder_of(const std::string& path) {
  const std::size_t slash = path.find_last_of('/');
  return slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
}

/// After a file in it was made, renamed or removed: until then a crash may undo that.
inline void flush_folder(const std::string& folder) { Descriptor(folder, O_RDONLY | O_DIRECTORY).flush(); }

/// Writes a new file and flushes it to the disk; if that fails, nothing is left of it.
inline void write_new(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  try {
    Descriptor file(path, O_WRONLY | O_CREAT | O_TRUNC);
    for (const auto part : parts) file.write(part);
    file.flush();
  } catch (...) {
    std::remove(path.c_str());
    throw;
  }
}

/// Writes to a temporary name, flushes and renames: a reader, and the disk after a crash, has the old file or the whole new one.
inline void write_whole(const std::string& path, std::initializer_list<std::span<const std::byte>> parts) {
  const std::string temporary = path + ".part";
  write_new(temporary, parts);
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    const std::string why = std::strerror(errno);
    std::remove(temporary.c_str());
    throw Error(path + ": cannot be replaced: " + why);
  }
  flush_folder(folder_of(path));
}

/// Throws Error unless a file of so many bytes can be written in the folder.
inline void probe_room(const std::string& folder, std::size_t bytes) {
  const std::string path = folder + "/.probe.part";
  try {
    Descriptor(path, O_WRONLY | O_CREAT | O_TRUNC).reserve(bytes);
  } catch (...) {
    std::remove(path.c_str());
    throw;
  }
  std::remove(path.c_str());
}

}  // namespace dropnet::detail
