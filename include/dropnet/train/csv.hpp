#pragma once

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "dropnet/core/error.hpp"
#include "dropnet/train/observer.hpp"

namespace dropnet {

/// A text file that grows line by line, each on the way to the disk as soon as it is known.
class LineFile {
 public:
  /// Begins with `text`; an older file stays until that is written. Throws Error if the file cannot be written.
  explicit LineFile(const std::string& path, const std::string& text = "") : path_(path), file_(std::fopen((path + ".part").c_str(), "w"), &std::fclose) {
    if (!file_) throw Error(path + ": cannot be written; is its folder there and writable?");
    try {
      write(text);
      if (std::rename((path + ".part").c_str(), path.c_str()) != 0) throw Error(path + ": cannot be replaced; is it a folder?");
    } catch (...) {
      std::remove((path + ".part").c_str());
      throw;
    }
  }
  /// Throws Error if the disk does not take it.
  void write(const std::string& text) {
    if (std::fwrite(text.data(), 1, text.size(), file_.get()) != text.size() || std::fflush(file_.get()) != 0)
      throw Error(path_ + ": cannot be written to its end; is the disk full?");
  }

 private:
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

/// What a file holds, line by line, as long as keep(line); nothing if there is no such file. For records that a resumed run
/// goes on with.
template <class Keep>
std::string lines_kept(const std::string& path, Keep keep) {
  std::ifstream file(path);
  std::string kept;
  for (std::string line; std::getline(file, line) && !file.eof();)  // a last line without its end was cut off
    if (keep(line)) kept += line + '\n';
  return kept;
}

/// A CSV's lines up to iteration `last`, which its first column has; its head if there are none, or if `last` is negative.
inline std::string csv_so_far(const std::string& path, std::int64_t last, const std::string& head) {
  std::string text;
  if (last >= 0)
    text = lines_kept(path, [&](const std::string& line) {
      std::int64_t at = 0;
      return std::from_chars(line.data(), line.data() + line.size(), at).ec != std::errc() || at <= last;
    });
  return text.empty() ? head : text;
}

/// Writes the records to a file of comma-separated values. Lines that begin with # come first; readers skip them.
class Csv : public Observer {
 public:
  /// Goes on behind what the file has of the iterations up to `after`, if that is positive and the file is there.
  /// Throws Error if the file cannot be written.
  explicit Csv(const std::string& path, const std::string& comment = "", std::int64_t after = 0)
      : file_(path, csv_so_far(path, after > 0 ? after : -1, (comment.empty() ? "" : "# " + comment + "\n") +
                                                "iteration,phase,loss,accuracy,learning_rate,p,images_per_second,seconds,waited\n")) {}

  /// Throws Error if the disk does not take the line.
  void record(const Record& r) override {
    char line[256];
    std::snprintf(line, sizeof line, "%lld,%s,%.6g,%.6g,%.6g,%.6g,%.6g,%.3f,%.3f\n", static_cast<long long>(r.iteration), r.phase == Record::train ? "train" : "test",
                  r.loss, r.accuracy, r.learning_rate, r.p, r.images_per_second, r.seconds, r.waited);
    file_.write(line);
  }

 private:
  LineFile file_;
};

}  // namespace dropnet
