#pragma once

#include <atomic>

namespace dropnet {

/// Lets threads do something one after the other, in the order of numbers that count from 0.
class Turns {
 public:
  /// Ends when all numbers before this one are done, and then is true, or when one has failed.
  bool await(int number) const {
    int at;
    while ((at = next_.load(std::memory_order_acquire)) < number) next_.wait(at, std::memory_order_acquire);
    return at == number;
  }
  void done(int number) { go_to(number + 1); }
  /// Nobody waits any more.
  void fail() { go_to(never); }

 private:
  static constexpr int never = 1 << 30;
  void go_to(int next) {
    for (int at = next_.load(std::memory_order_relaxed); at < next && !next_.compare_exchange_weak(at, next, std::memory_order_acq_rel);) {}
    next_.notify_all();
  }
  std::atomic<int> next_{0};
};

}  // namespace dropnet
