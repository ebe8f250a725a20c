#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/error.hpp"
#include "dropnet/core/host_backend.hpp"
#include "dropnet/cpu/denormals.hpp"
#include "dropnet/cpu/threads.hpp"

namespace dropnet {

/// The CPU with a number of threads of its own and their scratch memory. Results do not depend on the number
/// of threads: every sum is split by a rule that does not look at it.
struct Cpu : HostBackend {
  /// 0 threads stands for all that the machine has. Work of fewer than `least` operations is not worth a second one: about ten
  /// microseconds, several times what it takes to hand over. `cache`: the bytes of activations that are near enough. Throws Error if the number is negative.
  explicit Cpu(int threads, std::size_t least = 100'000, std::size_t cache = 4'000'000)
      : threads_(std::make_unique<Threads>(checked(threads))), least_(least), cache_(cache), scratch_(std::size_t(threads_->count())) {}
  Cpu() : Cpu(1) {}

  /// All threads that the machine has.
  static Cpu standard() { return Cpu(0); }

  int threads() const { return threads_->count(); }

  /// Whether `parallel` would divide this among threads.
  bool divides(std::size_t operations) const { return operations >= least_ && threads() > 1; }
  /// What to tell `parallel` of work on `size` values which `tasks` of `operations` write before or read after it: that it is none,
  /// and not divided, where these are not, or the values would go from one core's cache to another's.
  std::size_t divided_with(int tasks, std::size_t operations, std::size_t size) const { return tasks > 1 && divides(operations) ? size : 0; }
  /// As many operations as that many multiply-adds in registers take.
  static constexpr std::size_t multiply_adds(std::size_t count) { return count / 16; }
  /// Calls work(task, worker) for each task, on several threads if `operations`, how many values of arrays all the work goes
  /// through, are worth it. Denormal numbers are zeros there.
  template <class Work>
  void parallel(int tasks, std::size_t operations, Work&& work) {
    const DenormalsAreZero zero;  // the other threads' are anyway
    if (!divides(operations))
      for (int task = 0; task < tasks; ++task) work(task, 0);
    else
      threads_->run(tasks, work);
  }
  /// Calls work(begin, end) over pieces of 0..size, for loops over arrays.
  template <class Work>
  void parallel_ranges(std::size_t size, Work&& work) {
    constexpr std::size_t piece = 16384;
    parallel(int(detail::ceil_div(size, piece)), size, [&](int task, int) {
      const std::size_t begin = std::size_t(task) * piece;
      work(begin, begin + piece < size ? begin + piece : size);
    });
  }

  /// Calls work(task, backend) for each task of work that is divided among threads itself: here each task stays on one, with memory
  /// of its own. Where the threads would not share the tasks evenly they go one after the other, on all threads.
  template <class Work>
  void each_alone(int tasks, std::size_t operations, Work&& work) {
    if (!divides(operations) || (tasks % threads() != 0 && tasks < 8 * threads())) {
      for (int task = 0; task < tasks; ++task) work(task, *this);
      return;
    }
    while (int(alone_.size()) < threads()) alone_.push_back(with(1));
    parallel(tasks, operations, [&](int task, int worker) { work(task, alone_[std::size_t(worker)]); });
  }

  /// In how many slices a batch is best trained on, given the bytes of a sample's activations and of all weights: what forward
  /// writes should still lie in the cache when backward reads it, but each slice takes the weights anew.
  int slices(int batch, std::size_t sample, std::size_t weights) const {
    const std::size_t room = std::max(cache_, 2 * weights), wanted = detail::ceil_div(std::size_t(batch) * sample, room);
    const int most = std::max(1, batch / 16);  // 16 samples fill the widest registers
    if (wanted <= 1) return 1;
    // Of one size, and an even number if possible, which threads share better.
    for (int n = int(std::min(wanted, std::size_t(most))); n < most; ++n)
      if (most % n == 0 && (n % 2 == 0 || most % 2 == 1)) return n;
    return most;
  }
  /// The same with another number of threads.
  Cpu with(int threads) const { return Cpu(threads, least_, cache_); }

  /// Memory that stays a worker's own until its next call of scratch. What it holds is left open.
  template <class T>
  T* scratch(int worker, std::size_t size) { return grown<T>(scratch_[std::size_t(worker)], size); }
  /// The same for all workers together; to be called outside parallel.
  template <class T>
  T* shared_scratch(std::size_t size) { return grown<T>(shared_, size); }
  /// The same for a kernel that calls others, which take the other two.
  template <class T>
  T* outer_scratch(std::size_t size) { return grown<T>(outer_, size); }

 private:
  static int checked(int threads) {
    if (threads < 0) throw Error("dropnet: Cpu: " + std::to_string(threads) + " threads; give 0 (all) or more");
    const int all = int(std::thread::hardware_concurrency());
    return threads > 0 ? threads : all > 0 ? all : 1;
  }
  template <class T>
  static T* grown(HostBuffer<std::byte>& buffer, std::size_t size) {
    if (buffer.size() < size * sizeof(T)) {
      buffer = {};
      buffer = HostBuffer<std::byte>(size * sizeof(T));
    }
    return reinterpret_cast<T*>(buffer.data());
  }

  std::unique_ptr<Threads> threads_;
  std::size_t least_, cache_;
  std::vector<HostBuffer<std::byte>> scratch_;
  HostBuffer<std::byte> shared_, outer_;
  std::vector<Cpu> alone_;  // of a worker each
};

}  // namespace dropnet
