#pragma once

#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "dropnet/core/error.hpp"

namespace dropnet {

/// Adds a thread of work(i), with a copy of `work`, for each i < count. Throws Error where the system starts no more; who owns
/// `threads` ends and joins those that run. (std::jthread would, but libc++ does not have it.)
template <class Work>
void start_threads(std::vector<std::thread>& threads, int count, const Work& work) {
  for (int i = 0; i < count; ++i) try {
      threads.emplace_back(work, i);
    } catch (const std::system_error& e) {
      throw Error("dropnet: the system starts " + std::to_string(i) + " of " + std::to_string(count) + " threads (" + e.what() + "); ask for fewer");
    }
}

}  // namespace dropnet
