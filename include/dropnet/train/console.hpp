#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <ostream>
#include <string>

#include "dropnet/train/observer.hpp"

namespace dropnet {

namespace detail {

template <class... Values>
std::string formatted(const char* format, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, format, values...);
  return text;
}

/// 3725 -> "1:02:05", 65 -> "1:05"
inline std::string clock_text(double seconds) {
  const long s = long(seconds + 0.5);
  return s < 3600 ? formatted("%ld:%02ld", s / 60, s % 60) : formatted("%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace detail

/// Writes a line for each record. On a terminal a last line shows the progress and the time that is left, and, with colour,
/// tests stand out.
class Console : public Observer {
 public:
  explicit Console(std::ostream& out, bool terminal = false, bool colour = false) : out_(out), terminal_(terminal), colour_(terminal && colour) {}

  void begin(std::int64_t from, std::int64_t to) override {
    from_ = from;
    to_ = to;
    shown_ = -1;
    recorded_ = 0;
  }
  void step(std::int64_t iteration, double seconds) override {
    at_ = iteration;
    if (!terminal_ || seconds - shown_ < 0.2) return;
    shown_ = seconds;
    out_ << '\r' << detail::formatted("iteration %lld of %lld", static_cast<long long>(iteration), static_cast<long long>(to_)) << last_ << "  " << left(seconds) << " left"
         << erase << std::flush;
  }
  void record(const Record& r) override {
    if (terminal_) out_ << '\r' << erase;
    const bool train = r.phase == Record::train;
    if (colour_ && !train) out_ << green;
    out_ << detail::formatted("iteration %lld of %lld  %s loss %.4f", static_cast<long long>(r.iteration), static_cast<long long>(to_), train ? "train" : "test ", r.loss);
    const std::string accuracy = std::isnan(r.accuracy) ? "" : detail::formatted("  accuracy %.4f", r.accuracy);
    if (train) last_ = detail::formatted("  loss %.4f%s  p %.3f  %.0f images/s", r.loss, accuracy.c_str(), r.p, r.images_per_second);
    out_ << accuracy;
    out_ << detail::formatted("  rate %.3g  p %.3f  %.0f images/s", r.learning_rate, r.p, r.images_per_second);
    if (train && r.seconds > 0 && r.waited >= 0.05 * (r.seconds - recorded_)) out_ << detail::formatted("  waited %.1f s for images", r.waited);
    if (train) recorded_ = r.seconds;
    if (train && r.iteration < to_) out_ << "  " << left(r.seconds) << " left";
    if (colour_ && !train) out_ << plain;
    out_ << '\n' << std::flush;
  }
  void end() override {
    if (terminal_) out_ << '\r' << erase << std::flush;
  }

 private:
  static constexpr const char *erase = "\x1b[K", *green = "\x1b[32m", *plain = "\x1b[0m";
  std::string left(double seconds) const {
    return at_ > from_ ? detail::clock_text(seconds / double(at_ - from_) * double(to_ - at_)) : "?";
  }
  std::ostream& out_;
  bool terminal_, colour_;
  std::string last_;  ///< of the last train record
  std::int64_t from_ = 0, to_ = 0, at_ = 0;
  double shown_ = -1, recorded_ = 0;
};

}  // namespace dropnet
