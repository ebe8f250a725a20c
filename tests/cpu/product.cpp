#include <array>
#include <bit>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

/// Beside sums in double; C is wider than it needs to be, and what lies between its rows stays.
template <class T>
void check(int m, int n, int k, bool a_turned, bool b_turned) {
  const auto values = [](std::size_t count, int seed) {
    const auto v = test::random_values<T>(count, seed);
    return std::vector<T>(v.begin(), v.end());
  };
  constexpr int apart = 3;
  const std::ptrdiff_t a_pitch = (a_turned ? m : k) + apart, b_pitch = (b_turned ? k : n) + apart, pitch = n + apart;
  const auto a = values(std::size_t((a_turned ? std::max(1, k) : m) * a_pitch), 1), b = values(std::size_t((b_turned ? n : std::max(1, k)) * b_pitch), 2), bias = values(std::size_t(m), 3);
  const Operand<T> left{a.data(), a_pitch, a_turned}, right{b.data(), b_pitch, b_turned};
  for (const bool add : {false, true})
    for (const bool biased : {false, true}) {
      CAPTURE(m);
      CAPTURE(n);
      CAPTURE(k);
      CAPTURE(add);
      auto c = add ? values(std::size_t(m * pitch), 4) : std::vector<T>(std::size_t(m * pitch), T(test::nan));
      const auto before = c;
      std::vector<double> expected, found;
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          double sum = add ? double(c[std::size_t(i * pitch + j)]) : 0;
          for (int d = 0; d < k; ++d) sum += double(*left.at(i, d)) * double(*right.at(d, j));
          expected.push_back(biased ? std::max(sum + double(bias[std::size_t(i)]), -0.5) : sum);
        }
      HostBuffer<T> memory(Product<T>::scratch);
      std::fill_n(memory.data(), memory.size(), T(test::nan));
      Product<T>::run(m, n, k, left, right, c.data(), pitch, add, memory.data(), biased ? bias.data() : nullptr, T(-0.5));
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < pitch; ++j) {
          const std::size_t at = std::size_t(i * pitch + j);
          if (j < n)
            found.push_back(double(c[at]));
          else
            CHECK(std::bit_cast<std::array<char, sizeof(T)>>(c[at]) == std::bit_cast<std::array<char, sizeof(T)>>(before[at]));
        }
      CHECK(test::distance(found, expected) < (std::is_same_v<T, float> ? 1e-6 : 1e-14));
    }
}

}  // namespace

TEST_CASE_TEMPLATE("product: blocks that are full and others, turned or not", T, float, double) {
  for (const bool a_turned : {false, true})
    for (const bool b_turned : {false, true}) {
      check<T>(1, 1, 1, a_turned, b_turned);
      check<T>(3, 2, 5, a_turned, b_turned);
      check<T>(8, 32, 16, a_turned, b_turned);
      check<T>(17, 33, 40, a_turned, b_turned);
      check<T>(5, 70, 300, a_turned, b_turned);
      check<T>(260, 9, 257, a_turned, b_turned);
      check<T>(37, 41, 530, a_turned, b_turned);
    }
}
TEST_CASE_TEMPLATE("product: of no terms", T, float, double) { check<T>(5, 7, 0, false, false); }
TEST_CASE("product: NaN stays NaN, biased and cut off too") {
  const std::vector<float> a{1, 1}, b{float(test::nan), 2}, bias{1, 1};
  std::vector<float> c(4);
  HostBuffer<float> memory(Product<float>::scratch);
  Product<float>::run(2, 2, 1, {a.data(), 1}, {b.data(), 2}, c.data(), 2, false, memory.data(), bias.data(), 0.0f);
  CHECK(std::isnan(c[0]));
  CHECK(c[1] == 3);
  CHECK(std::isnan(c[2]));
  CHECK(c[3] == 3);
}
