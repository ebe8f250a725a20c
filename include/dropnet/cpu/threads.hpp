#pragma once

#include <atomic>
#include <exception>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "dropnet/cpu/denormals.hpp"

namespace dropnet {

/// A fork-join pool: `run(tasks, work)` calls work(task, worker) once for each task and returns when all are done.
/// Which worker gets which task is left open, so the work's result must not depend on it. On threads of its own denormals are zeros.
class Threads {
 public:
  explicit Threads(int count) {
    for (int worker = 1; worker < count; ++worker) threads_.emplace_back([this, worker] { serve(worker); });
  }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() {
    job_ = {};
    announce();
    for (auto& t : threads_) t.join();
  }

  int count() const { return int(threads_.size()) + 1; }

  /// Rethrows the first exception that any task threw, after all have ended.
  template <class Work>
  void run(int tasks, Work&& work) {
    if (threads_.empty() || tasks < 2) {
      for (int task = 0; task < tasks; ++task) work(task, 0);
      return;
    }
    job_ = {[](void* w, int task, int worker) { (*static_cast<std::remove_reference_t<Work>*>(w))(task, worker); }, &work, tasks};
    next_.store(0, std::memory_order_relaxed);
    busy_.store(int(threads_.size()), std::memory_order_relaxed);
    announce();
    work_off(0);
    await_others();
    if (failed_) std::rethrow_exception(std::exchange(failed_, nullptr));
  }

 private:
  struct Job {
    void (*call)(void*, int, int) = nullptr;
    void* work = nullptr;
    int tasks = 0;
  };

  void announce() {
    turn_.fetch_add(1, std::memory_order_release);
    turn_.notify_all();
  }

  void serve(int worker) {
    const DenormalsAreZero zero;
    for (int seen = 0;;) {
      await_change(turn_, seen);
      seen = turn_.load(std::memory_order_acquire);
      if (!job_.call) return;
      work_off(worker);
      if (busy_.fetch_sub(1, std::memory_order_acq_rel) == 1) busy_.notify_one();
    }
  }

  void work_off(int worker) {
    for (int task; (task = next_.fetch_add(1, std::memory_order_relaxed)) < job_.tasks;) {
      try {
        job_.call(job_.work, task, worker);
      } catch (...) {
        if (!failing_.test_and_set()) failed_ = std::current_exception();
      }
    }
  }

  void await_others() {
    for (int left; (left = busy_.load(std::memory_order_acquire)) != 0;) await_change(busy_, left);
    failing_.clear();
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
  std::atomic<int> turn_{0};
  std::atomic<int> next_{0};
  std::atomic<int> busy_{0};
  std::atomic_flag failing_;
  std::exception_ptr failed_;
  std::vector<std::thread> threads_;
};

}  // namespace dropnet
