#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "dropnet/train/csv.hpp"
#include "dropnet/train/observer.hpp"

namespace dropnet {

/// Writes each record as a line of JSON; what is not a number is null.
class JsonLines : public Observer {
 public:
  /// Goes on behind what the file has of the iterations up to `after`, if that is positive. Throws Error if it cannot be written.
  explicit JsonLines(const std::string& path, std::int64_t after = 0)
      : file_(path, after > 0 ? lines_kept(path, [&](const std::string& line) { return line.starts_with(head) && std::atoll(line.c_str() + head.size()) <= after; }) : "") {}

  /// Throws Error if the disk does not take the line.
  void record(const Record& r) override {
    std::string line = head + std::to_string(r.iteration) + ", \"phase\": \"" + (r.phase == Record::train ? "train" : "test") + "\"";
    const auto add = [&](const char* name, double value) {
      char text[32] = "null";
      if (std::isfinite(value)) std::snprintf(text, sizeof text, "%.9g", value);
      line += std::string(", \"") + name + "\": " + text;
    };
    add("loss", r.loss);
    add("accuracy", r.accuracy);
    add("learning_rate", r.learning_rate);
    add("p", r.p);
    add("images_per_second", r.images_per_second);
    add("seconds", r.seconds);
    file_.write(line + "}\n");
  }

 private:
  static inline const std::string head = "{\"iteration\": ";
  LineFile file_;
};

}  // namespace dropnet
