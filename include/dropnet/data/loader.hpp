#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/start_threads.hpp"
#include "dropnet/data/batches.hpp"

namespace dropnet {

/// Makes the batches to come in worker threads, ahead of their use, in a ring of buffers that are used again and again.
/// Which worker makes a batch changes nothing in it. A Batch is what a Staging says, with fill(Batches&, number of the batch).
template <class Batch>
class Loader {
 public:
  /// Begins with batch `first`; holds at most `ahead` batches beside the one in use, in what `make()` gives.
  /// Throws Error if the numbers are not positive, or if the system does not start so many threads.
  template <class Make>
  Loader(const Batches& batches, std::uint64_t first, int workers, int ahead, Make make) : Loader(first) {
    if (workers < 1 || ahead < 1)
      throw Error("dropnet: Loader: " + std::to_string(workers) + " workers, " + std::to_string(ahead) + " batches ahead; both must be at least 1");
    for (int i = 0; i <= ahead; ++i) slots_.push_back({make()});
    start_threads(threads_, workers, [this, own = Batches(batches)](int) mutable { work(own); });
  }
  ~Loader() {
    {
      const std::lock_guard lock(mutex_);
      ended_ = true;
    }
    changed_.notify_all();
    for (auto& t : threads_) t.join();
  }
  /// The number of the batch that next() gives.
  std::uint64_t at() const { return taken_ + in_use_; }
  /// The next batch, good until the next call. Rethrows what a worker threw.
  const Batch& next() {
    const auto began = std::chrono::steady_clock::now();
    std::unique_lock lock(mutex_);
    taken_ += in_use_;  // the last one's buffer is free again
    in_use_ = 1;
    changed_.notify_all();
    const Slot& s = slot(taken_);
    changed_.wait(lock, [&] { return failure_ || (s.full && s.number == taken_); });
    waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    if (failure_) std::rethrow_exception(failure_);
    return s.batch;
  }
  /// Seconds that next() has waited in all.
  double waited() const { return waited_; }

 private:
  struct Slot {
    Batch batch;
    std::uint64_t number = 0;
    bool full = false;
  };
  // Once it has ended, the destructor joins what the other constructor has started, also where that throws.
  explicit Loader(std::uint64_t first) : next_(first), taken_(first) {}

  Slot& slot(std::uint64_t t) { return slots_[t % slots_.size()]; }

  void work(Batches& batches) try {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [&] { return ended_ || next_ < taken_ + slots_.size(); });
      if (ended_) return;
      const std::uint64_t t = next_++;
      Slot& s = slot(t);
      s.full = false;
      lock.unlock();
      s.batch.fill(batches, t);
      lock.lock();
      s.number = t;
      s.full = true;
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }

  std::vector<Slot> slots_;
  std::uint64_t next_;   ///< the batch that a worker begins next
  std::uint64_t taken_;  ///< the batch that was given last, or comes first
  std::uint64_t in_use_ = 0;
  double waited_ = 0;
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace dropnet
