#include <doctest/doctest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <atomic>
#include <dropnet/cpu.hpp>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace dropnet;

TEST_CASE("threads: each task once, whatever the counts") {
  for (int threads : {1, 2, 5}) {
    Threads pool(threads);
    CHECK(pool.count() == threads);
    for (int tasks : {0, 1, 2, 3, 100}) {
      std::vector<std::atomic<int>> runs(100);
      std::atomic<bool> worker_known{true};
      pool.run(tasks, [&](int task, int worker) {
        ++runs[std::size_t(task)];
        if (worker < 0 || worker >= threads) worker_known = false;
      });
      CHECK(worker_known);
      for (int i = 0; i < 100; ++i) CHECK(runs[std::size_t(i)] == (i < tasks));
    }
  }
}
TEST_CASE("threads: those that the system does not start are an error, and those that it did start end") {
  // Each takes megabytes of addresses for its stack.
  struct Limited {
    rlimit before{};
    explicit Limited(rlim_t bytes) {
      getrlimit(RLIMIT_AS, &before);
      rlimit now = before;
      now.rlim_cur = bytes;
      setrlimit(RLIMIT_AS, &now);
    }
    ~Limited() { setrlimit(RLIMIT_AS, &before); }
  };
  std::size_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  const auto used = rlim_t(pages) * rlim_t(sysconf(_SC_PAGESIZE));
  if (pages == 0 || used > rlim_t(1) << 40) return;  // sanitizers take terabytes, and no limit
  const Limited limited(used + (rlim_t(100) << 20));
  constexpr std::size_t more = 200 << 20;
  if (void* const place = mmap(nullptr, more, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); place != MAP_FAILED) {
    munmap(place, more);
    return;  // an emulator keeps the limit from its own memory
  }
  CHECK_THROWS_WITH_AS(Threads(200), doctest::Contains("of 199 threads"), Error);
  CHECK_THROWS_WITH_AS(Cpu(200), doctest::Contains("ask for fewer"), Error);
  CHECK(Threads(2).count() == 2);
}
TEST_CASE("threads: in quick succession") {
  Threads pool(3);
  std::atomic<int> sum{0};
  for (int i = 0; i < 5000; ++i) pool.run(4, [&](int task, int) { sum += task; });
  CHECK(sum == 30000);
}
TEST_CASE("threads: each worker begins with tasks of its own, and helps where others are late") {
  constexpr int workers = 3, each = 4;
  Threads pool(workers);
  for (int i = 0; i < 100; ++i) {
    std::vector<std::atomic<int>> first(workers);
    for (auto& f : first) f = -1;
    std::atomic<int> begun{0};
    pool.run(workers * each, [&](int task, int worker) {
      int none = -1;
      if (first[std::size_t(worker)].compare_exchange_strong(none, task)) ++begun;
      while (begun < workers) std::this_thread::yield();
    });
    for (int w = 0; w < workers; ++w) CHECK(first[std::size_t(w)] == w * each);
    // A task that goes on until all others are done, of which some are its own worker's.
    std::atomic<int> done{0};
    pool.run(workers * each, [&](int task, int) {
      if (task == 0)
        while (done < workers * each - 1) std::this_thread::yield();
      ++done;
    });
    CHECK(done == workers * each);
  }
}
TEST_CASE("threads: an exception comes out, and the pool goes on") {
  Threads pool(3);
  for (int i = 0; i < 20; ++i) {
    CHECK_THROWS_AS(pool.run(8, [](int task, int) { if (task == 5) throw std::runtime_error("task"); }), std::runtime_error);
    std::atomic<int> done{0};
    pool.run(8, [&](int, int) { ++done; });
    CHECK(done == 8);
  }
}
TEST_CASE("cpu: ranges cover an array once") {
  Cpu cpu(2);
  std::vector<int> hits(100000);
  cpu.parallel_ranges(hits.size(), [&](std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end; ++i) ++hits[i];
  });
  CHECK(hits == std::vector<int>(100000, 1));
}
TEST_CASE("cpu: denormal numbers are zeros at work, and only there") {
  volatile float tiny = std::numeric_limits<float>::min();
  const auto halved = [&] { return tiny * 0.5f; };
  const auto doubled = [&](volatile float& half) { return half * 2.0f; };
  volatile float half = halved();
  REQUIRE(half > 0.0f);
  for (int threads : {1, 2}) {
    Cpu cpu(threads);
    for (std::size_t operations : {std::size_t(1), std::size_t(1) << 30}) {
      std::vector<float> written(64, 1), read(64, 1);
      cpu.parallel(64, operations, [&](int task, int) {
        written[std::size_t(task)] = halved();
        read[std::size_t(task)] = doubled(half);
      });
      CHECK(written == std::vector<float>(64, 0));
      CHECK(read == std::vector<float>(64, 0));
      CHECK(halved() > 0.0f);
      CHECK_THROWS(cpu.parallel(2, operations, [](int, int) { throw std::runtime_error("task"); }));
      CHECK(halved() > 0.0f);
    }
  }
}
