#pragma once

#include "launch.hpp"

namespace dropnet::kernels {

/// Calls visit(i, word i) for the four i from 4 block on that are below size, at the clock's time.
template <class Visit>
DROPNET_DEVICE void four_words(Random random, const Clock* clock, std::uint32_t block, std::uint32_t size, Visit visit) {
  random.time = {std::uint32_t(clock->time), std::uint32_t(clock->time >> 32)};
  const auto words = random.block(block);
  for (std::uint32_t k = 0; k < 4; ++k)
    if (4 * block + k < size) visit(4 * block + k, words[k]);
}

/// How many blocks of four there are.
inline std::size_t fours(std::size_t size) { return (size + 3) / 4; }

}  // namespace dropnet::kernels
