#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "dropnet/core/start_threads.hpp"
#include "dropnet/cpu/denormals.hpp"

namespace dropnet {

/// A fork-join pool: `run(tasks, work)` calls work(task, worker) once for each task and returns when all are done.
/// Each worker begins with tasks of its own, the same ones from run to run, so that it finds in its cache what it left there; it then
/// helps the others. The work's result must not depend on that. On threads of its own denormals are zeros.
class Threads {
 public:
  /// Throws Error if the system does not start so many threads, the caller's included.
  explicit Threads(int count) : Threads(count, Unstarted{}) {
    start_threads(threads_, count - 1, [this](int i) { serve(i + 1); });
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    end_.store(true, std::memory_order_relaxed);
    announce();
    for (auto& t : threads_) t.join();
  }

  int count() const { return int(mine_.size()); }

  /// Rethrows the first exception that any task threw, after all have ended.
  template <class Work>
  void run(int tasks, Work&& work) {
    if (threads_.empty() || tasks < 2)
      for (int task = 0; task < tasks; ++task) work(task, 0);
    else
      run_job(tasks, {[](void* w, int task, int worker) { (*static_cast<std::remove_reference_t<Work>*>(w))(task, worker); }, &work});
  }

 private:
  // Once it has ended, the destructor joins what the other constructor has started, also where that throws.
  struct Unstarted {};
  Threads(int count, Unstarted) : mine_(std::size_t(count)) {}

  struct Job {
    void (*call)(void*, int, int) = nullptr;
    void* work = nullptr;
  };
  struct alignas(64) Tasks {
    std::atomic<int> next{0};
    int end = 0;
  };
  static constexpr int closed = -1;

  void run_job(int tasks, Job job) {
    job_ = job;
    for (int w = 0; w < count(); ++w) {
      mine_[std::size_t(w)].next.store(int(std::int64_t(tasks) * w / count()), std::memory_order_relaxed);
      mine_[std::size_t(w)].end = int(std::int64_t(tasks) * (w + 1) / count());
    }
    inside_.store(0, std::memory_order_release);
    announce();
    work_off(0);
    close();
    failing_.clear();
    if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
  }

  void announce() {
    turn_.fetch_add(1, std::memory_order_release);
    turn_.notify_all();
  }

  void serve(int worker) {
    const DenormalsAreZero zero;
    for (int seen = 0;;) {
      await_change(turn_, seen);
      seen = turn_.load(std::memory_order_acquire);
      if (end_.load(std::memory_order_relaxed)) return;
      if (!enter()) continue;
      work_off(worker);
      if (inside_.fetch_sub(1, std::memory_order_acq_rel) == 1) inside_.notify_one();
    }
  }

  void work_off(int worker) {
    for (int w = 0; w < count(); ++w) {
      Tasks& tasks = mine_[std::size_t((worker + w) % count())];
      for (int task; (task = tasks.next.fetch_add(1, std::memory_order_relaxed)) < tasks.end;) {
        try {
          job_.call(job_.work, task, worker);
        } catch (...) {
          if (!failing_.test_and_set()) failed_ = std::current_exception();
        }
      }
    }
  }

  // A worker that wakes late is not waited for: it finds the job closed.

  bool enter() {
    int n = inside_.load(std::memory_order_relaxed);
    while (n != closed)
      if (inside_.compare_exchange_weak(n, n + 1, std::memory_order_acquire, std::memory_order_relaxed)) return true;
    return false;
  }
  void close() {
    for (int n = 0; !inside_.compare_exchange_weak(n, closed, std::memory_order_acquire, std::memory_order_relaxed); n = 0)
      if (n > 0) await_change(inside_, n);
  }

  // Work comes in quick succession while a network trains: look for a while before sleeping.
  static void await_change(const std::atomic<int>& value, int old) {
    for (int look = 0; look < 4000; ++look) {
      if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#endif
    }
    value.wait(old, std::memory_order_acquire);
  }

  Job job_;
  std::vector<Tasks> mine_;  ///< by worker
  std::atomic<int> turn_{0};
  std::atomic<int> inside_{closed};  ///< workers, beside the caller, that are at the job
  std::atomic<bool> end_{false};
  std::atomic_flag failing_;
  std::exception_ptr failed_;
  std::vector<std::thread> threads_;
};

}  // namespace dropnet
