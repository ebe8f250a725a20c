#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <dropnet/core/random.hpp>
#include <dropnet/cpu/random.hpp>
#include <vector>

using namespace dropnet;
using Words = std::array<std::uint32_t, 4>;

TEST_CASE("philox: Random123's known answers") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  CHECK(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}) == Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) == Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}
TEST_CASE("random: words are functions of everything that names them") {
  const Random a(Seed{1}, Random::dropin, 2, 3);
  CHECK(a.word(5) == a.block(1)[1]);
  CHECK(a.word(5) != Random(Seed{2}, Random::dropin, 2, 3).word(5));
  CHECK(a.word(5) != Random(Seed{1}, Random::dropout, 2, 3).word(5));
  CHECK(a.word(5) != Random(Seed{1}, Random::dropin, 1, 3).word(5));
  CHECK(a.word(5) != Random(Seed{1}, Random::dropin, 2, 4).word(5));
  CHECK(a.word(5) != Random(Seed{1}, Random::dropin, 2, 3 + (std::uint64_t(1) << 32)).word(5));
}
TEST_CASE("random: events of many words at once are those of each word") {
  for (const double p : {0.0, 1e-12, 0.3, 1.0})
    for (const std::uint64_t origin : {0ull, 2ull, (1ull << 34) - 150}) {  // the last one's blocks begin anew with number 0
      const Random a = Random(Seed{1}, Random::dropin, 2, 3).from(origin);
      const auto threshold = bernoulli_threshold(p);
      std::vector<std::uint32_t> one, many;
      for (std::uint64_t i = 3; i < 301; ++i) one.push_back(a.word(i) < threshold);
      detail::each_event<float>(a.from(3), threshold, 298, [&](std::size_t i, int count, const auto& happened) {
        CHECK(i == many.size());
        float lane[lanes::width<float>];
        lanes::store(lane, happened);
        for (int k = 0; k < count; ++k) many.push_back(std::bit_cast<std::uint32_t>(lane[k]) & 1);
      });
      CHECK(one == many);
    }
}
TEST_CASE("random: moments and Bernoulli draws") {
  const Random r(Seed{9}, Random::filler, 0, 0);
  const int n = 200000;
  double sum = 0, squares = 0, normal = 0, normal_squares = 0;
  int hits = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const double u = r.uniform(i), z = r.normal(i);
    REQUIRE(u > 0);
    REQUIRE(u < 1);
    sum += u;
    squares += u * u;
    normal += z;
    normal_squares += z * z;
    hits += r.word(i) < bernoulli_threshold(0.1);
  }
  CHECK(std::abs(sum / n - 0.5) < 4 * std::sqrt(1.0 / 12 / n));
  CHECK(std::abs(squares / n - 1.0 / 3) < 4 * std::sqrt(4.0 / 45 / n));
  CHECK(std::abs(normal / n) < 4 / std::sqrt(double(n)));
  CHECK(std::abs(normal_squares / n - 1) < 4 * std::sqrt(2.0 / n));
  CHECK(std::abs(hits / double(n) - 0.1) < 4 * std::sqrt(0.09 / n));
  CHECK(bernoulli_threshold(0) == 0);
  CHECK(bernoulli_threshold(1) == std::uint64_t(1) << 32);
}
