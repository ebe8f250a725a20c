#include <cmath>
#include <cstring>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

template <class T>
std::vector<T> values(int count, int seed) {
  const auto v = test::random_values<T>(std::size_t(std::max(1, count)), seed);
  return {v.begin(), v.end()};
}

/// Beside sums in double. A is packed in two parts; C is wider than it needs to be, its columns in segments if wanted, and what lies
/// between stays.
template <class T>
void check(int m, int n, int k, bool a_turned, bool b_turned, int segment) {
  using Multiply = Product<T>;
  constexpr int apart = 3;
  const int a_pitch = (a_turned ? m : k) + apart, b_pitch = (b_turned ? k : n) + apart, pitch = std::min(n, segment) + apart;
  const int segments = (n + segment - 1) / segment, size = segments * m * pitch;
  const auto a = values<T>((a_turned ? k : m) * a_pitch, 1), b = values<T>((b_turned ? n : k) * b_pitch, 2), bias = values<T>(m, 3);
  const Operand<T> left{a.data(), a_pitch, a_turned}, right{b.data(), b_pitch, b_turned};
  for (const bool add : {false, true})
    for (const bool biased : {false, true}) {
      CAPTURE(m);
      CAPTURE(n);
      CAPTURE(k);
      CAPTURE(segment);
      CAPTURE(add);
      auto c = add ? values<T>(size, 4) : std::vector<T>(std::size_t(size), T(test::nan));
      auto untouched = c;
      const auto place = [&](int i, int j) { return std::size_t((j / segment * m + i) * pitch + j % segment); };
      std::vector<double> expected, found;
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          double sum = add ? double(c[place(i, j)]) : 0;
          for (int d = 0; d < k; ++d) sum += double(*left.at(i, d)) * double(*right.at(d, j));
          expected.push_back(biased ? std::max(sum + double(bias[std::size_t(i)]), -0.5) : sum);
        }
      HostBuffer<T> packed(Multiply::packed(m, std::max(1, k))), memory(Multiply::memory(m, n, k));
      std::fill_n(packed.data(), packed.size(), T(test::nan));
      std::fill_n(memory.data(), memory.size(), T(test::nan));
      Multiply::pack(left, m, k / 3, packed.data(), k);
      Multiply::pack({left.at(0, k / 3), a_pitch, a_turned}, m, k - k / 3, packed.data(), k, k / 3);
      Multiply::run(m, n, k, packed.data(), typename Multiply::Matrix{right}, {c.data(), pitch, add, segment, m * pitch, biased ? bias.data() : nullptr, T(-0.5)}, memory.data());
      for (int i = 0; i < m; ++i)
        for (int j = 0; j < n; ++j) {
          found.push_back(double(c[place(i, j)]));
          untouched[place(i, j)] = c[place(i, j)];
        }
      CHECK(test::distance(found, expected) < (std::is_same_v<T, float> ? 1e-6 : 1e-14));
      CHECK(std::memcmp(c.data(), untouched.data(), c.size() * sizeof(T)) == 0);
    }
}

}  // namespace

TEST_CASE_TEMPLATE("product: blocks that are full and others, turned or not", T, float, double) {
  for (const bool a_turned : {false, true})
    for (const bool b_turned : {false, true})
      for (const int segment : {1000, 7}) {
        check<T>(1, 1, 1, a_turned, b_turned, segment);
        check<T>(3, 2, 5, a_turned, b_turned, segment);
        check<T>(8, 48, 16, a_turned, b_turned, segment);
        check<T>(17, 33, 40, a_turned, b_turned, segment);
        check<T>(5, 70, 300, a_turned, b_turned, segment);
        check<T>(260, 9, 161, a_turned, b_turned, segment);
        check<T>(37, 401, 330, a_turned, b_turned, segment);
      }
}
TEST_CASE_TEMPLATE("product: of no terms", T, float, double) { check<T>(5, 7, 0, false, false, 1000); }
TEST_CASE("product: NaN stays NaN, biased and cut off too") {
  const std::vector<float> a{1, 1}, b{float(test::nan), 2}, bias{1, 1};
  std::vector<float> c(4);
  using Multiply = Product<float>;
  HostBuffer<float> packed(Multiply::packed(2, 1)), memory(Multiply::memory(2, 2, 1));
  Multiply::pack({a.data(), 1}, 2, 1, packed.data(), 1);
  Multiply::run(2, 2, 1, packed.data(), Multiply::Matrix{{b.data(), 2}}, {.data = c.data(), .pitch = 2, .bias = bias.data(), .least = 0.0f}, memory.data());
  CHECK(std::isnan(c[0]));
  CHECK(c[1] == 3);
  CHECK(std::isnan(c[2]));
  CHECK(c[3] == 3);
}
