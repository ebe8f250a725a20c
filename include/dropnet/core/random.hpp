#pragma once

#include <array>
#include <cmath>
#include <cstdint>

namespace dropnet {

inline constexpr int philox_rounds = 10;
/// One round of philox, below, on a counter's four words.
constexpr void philox_round(std::uint32_t& w0, std::uint32_t& w1, std::uint32_t& w2, std::uint32_t& w3, const std::array<std::uint32_t, 2>& key) {
  const std::uint64_t a = std::uint64_t(0xD2511F53u) * w0;
  const std::uint64_t b = std::uint64_t(0xCD9E8D57u) * w2;
  w0 = std::uint32_t(b >> 32) ^ w1 ^ key[0];
  w1 = std::uint32_t(b);
  w2 = std::uint32_t(a >> 32) ^ w3 ^ key[1];
  w3 = std::uint32_t(a);
}
/// The next round's key.
constexpr std::array<std::uint32_t, 2> philox_next(const std::array<std::uint32_t, 2>& key) { return {key[0] + 0x9E3779B9u, key[1] + 0xBB67AE85u}; }

/// Philox4x32-10: J. Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
/// A bijection of a 128-bit counter under a 64-bit key; there is no state to keep.
constexpr std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < philox_rounds; ++round, key = philox_next(key)) philox_round(counter[0], counter[1], counter[2], counter[3], key);
  return counter;
}

/// The seed of everything random in a run.
struct Seed {
  std::uint64_t value = 1;
};

/// A sequence of 32-bit words, each a pure function of (seed, purpose, number, time, index).
/// Layout of the counter: word 0 is index / 4, word 1 holds the purpose in its upper and the number
/// (of a site, layer or tensor) in its lower bits, words 2 and 3 are the time; the key is the seed.
struct Random {
  enum Purpose : std::uint32_t { filler = 0, dropin = 1, dropout = 2, shuffle = 3, augment = 4 };

  std::array<std::uint32_t, 2> key{};
  std::uint32_t stream = 0;
  std::array<std::uint32_t, 2> time{};
  std::uint64_t origin = 0;  ///< where word 0 lies in the whole sequence

  constexpr Random() = default;
  constexpr Random(Seed seed, Purpose purpose, int number, std::uint64_t t)
      : key{std::uint32_t(seed.value), std::uint32_t(seed.value >> 32)},
        stream(std::uint32_t(purpose) << 28 | std::uint32_t(number)),
        time{std::uint32_t(t), std::uint32_t(t >> 32)} {}

  constexpr int number() const { return int(stream & 0x0fffffffu); }

  /// What begins with this one's word `index`.
  constexpr Random from(std::uint64_t index) const {
    Random r = *this;
    r.origin += index;
    return r;
  }

  /// Words 4 block .. 4 block + 3 of the whole sequence.
  constexpr std::array<std::uint32_t, 4> block(std::uint32_t block) const { return philox(counter(block), key); }
  /// Of which philox makes them.
  constexpr std::array<std::uint32_t, 4> counter(std::uint32_t block) const { return {block, stream, time[0], time[1]}; }
  constexpr std::uint32_t word(std::uint64_t index) const { return block(std::uint32_t((origin + index) / 4))[(origin + index) % 4]; }

  /// Uniform in (0, 1), from the upper 24 bits of a word: a number that float and double agree on.
  constexpr double uniform(std::uint64_t index) const { return ((word(index) >> 8) + 0.5) / 16777216.0; }
  /// Standard normal (Box and Muller), from words 2 index and 2 index + 1.
  double normal(std::uint64_t index) const {
    const double radius = std::sqrt(-2 * std::log(uniform(2 * index)));
    return radius * std::cos(6.283185307179586 * uniform(2 * index + 1));
  }
};

/// What a 32-bit word must stay below for an event of probability p in [0, 1].
constexpr std::uint64_t bernoulli_threshold(double p) { return std::uint64_t(p * 4294967296.0 + 0.5); }

}  // namespace dropnet
