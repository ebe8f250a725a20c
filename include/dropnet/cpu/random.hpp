#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "dropnet/core/random.hpp"
#include "dropnet/cpu/lanes.hpp"

namespace dropnet::detail {

// Blocks of random words side by side, in loops that compilers make vectors of, and what they decide as masks: a branch on a random bit
// takes longer than the bit.

inline constexpr int blocks_at_once = 32, words_at_once = 4 * blocks_at_once;

/// The words of so many blocks from number `first` on.
DROPNET_ONCE inline void random_words(const Random& random, std::uint32_t first, std::uint32_t* words) {
  std::uint32_t lane[4][blocks_at_once];
  for (int i = 0; i < blocks_at_once; ++i) {
    const auto counter = random.counter(first + std::uint32_t(i));
    for (int k = 0; k < 4; ++k) lane[k][i] = counter[std::size_t(k)];
  }
  auto key = random.key;
  for (int round = 0; round < philox_rounds; ++round, key = philox_next(key))
    for (int i = 0; i < blocks_at_once; ++i) philox_round(lane[0][i], lane[1][i], lane[2][i], lane[3][i], key);
  for (int i = 0; i < blocks_at_once; ++i)
    for (int k = 0; k < 4; ++k) words[4 * i + k] = lane[k][i];
}

/// Calls work(i, n, happened) for n units from i on, a register's or fewer, until `count` are done: happened has all bits of a lane set
/// where the unit's word is below the threshold, else none.
template <class T, class Work>
void each_event(const Random& random, std::uint64_t threshold, std::size_t count, Work work) {
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  const Bits possible = threshold > 0;
  const std::uint32_t most = std::uint32_t(threshold - 1);
  std::uint32_t words[words_at_once];
  T happened[words_at_once];
  for (std::size_t i = 0; i < count;) {
    const std::uint64_t first = random.origin + i;
    random_words(random, std::uint32_t(first / 4), words);
    for (int k = 0; k < words_at_once; ++k) happened[k] = std::bit_cast<T>(Bits(0) - (Bits(words[k] <= most) & possible));
    const T* from = happened + first % 4;
    const std::size_t here = std::min(std::size_t(words_at_once - first % 4), count - i);
    lanes::each<T>(here, [&](std::size_t k, auto n) { work(i + k, n, lanes::load(from + k, n)); });
    i += here;
  }
}

}  // namespace dropnet::detail
