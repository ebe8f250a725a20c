#pragma once

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>

#include "dropnet/core/error.hpp"
#include "dropnet/files/whole.hpp"

namespace dropnet::detail {

/// "a/b/" -> "a/b"
inline std::string without_slash(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

/// Two names change what they stand for, at once; false where the file system cannot.
inline bool exchange(const std::string& a, const std::string& b) {
#ifdef RENAME_EXCHANGE
  return ::renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE) == 0;
#else
  return (void)a, (void)b, false;
#endif
}

/// Calls fill(folder) with a new folder under a temporary name, flushes it and renames it. An older one stays until then; if
/// anything fails, nothing is left of the new one.
inline void write_folder(const std::string& name, const std::function<void(const std::string&)>& fill) {
  namespace fs = std::filesystem;
  const std::string path = without_slash(name), temporary = path + ".part";
  std::error_code failure;
  fs::remove_all(temporary, failure);  // of a run that was killed
  if (!fs::create_directory(temporary, failure))
    throw Error(temporary + ": cannot be made: " + (failure ? failure.message() : "it is there") + "; is its folder there and writable?");
  try {
    fill(temporary);
    flush_folder(temporary);
    if (!fs::exists(fs::symlink_status(path)))
      fs::rename(temporary, path);
    else if (!exchange(temporary, path)) {
      fs::remove_all(path);
      fs::rename(temporary, path);
    }
  } catch (const fs::filesystem_error& e) {
    fs::remove_all(temporary, failure);
    throw Error(path + ": cannot be replaced: " + e.code().message());
  } catch (...) {
    fs::remove_all(temporary, failure);
    throw;
  }
  fs::remove_all(temporary, failure);  // the older one, exchanged
  flush_folder(folder_of(path));
}

/// Makes `path` a link to `target`, a name in the same folder; an older link leads to its own target until then.
inline void link_to(const std::string& path, const std::string& target) {
  const std::string temporary = path + ".part";
  std::remove(temporary.c_str());
  if (::symlink(target.c_str(), temporary.c_str()) != 0 || std::rename(temporary.c_str(), path.c_str()) != 0)
    throw Error(path + ": cannot be made a link to " + target + ": " + std::strerror(errno));
  flush_folder(folder_of(path));
}

}  // namespace dropnet::detail
