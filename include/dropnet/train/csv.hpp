#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include "dropnet/core/error.hpp"
#include "dropnet/train/observer.hpp"

namespace dropnet {

/// Writes the records to a file of comma-separated values, each line as soon as it is known.
/// Lines that begin with # come first; readers skip them.
class Csv : public Observer {
 public:
  /// Throws Error if the file cannot be written.
  explicit Csv(const std::string& path, const std::string& comment = "") : path_(path), file_(std::fopen(path.c_str(), "w"), &std::fclose) {
    if (!file_) throw Error(path + ": cannot be written; is its folder there and writable?");
    if (!comment.empty()) std::fprintf(file_.get(), "# %s\n", comment.c_str());
    std::fprintf(file_.get(), "iteration,phase,loss,accuracy,learning_rate,p,images_per_second,seconds,waited\n");
    flush();
  }
  /// Throws Error if the disk does not take the line.
  void record(const Record& r) override {
    std::fprintf(file_.get(), "%lld,%s,%.6g,%.6g,%.6g,%.6g,%.6g,%.3f,%.3f\n", (long long)r.iteration, r.phase == Record::train ? "train" : "test",
                 r.loss, r.accuracy, r.learning_rate, r.p, r.images_per_second, r.seconds, r.waited);
    flush();
  }

 private:
  void flush() {
    if (std::fflush(file_.get()) != 0) throw Error(path_ + ": cannot be written to its end; is the disk full?");
  }
  std::string path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
};

}  // namespace dropnet
