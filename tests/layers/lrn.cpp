#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("LRN across channels") {
  test::check<Image<7, 3, 2>>(LRN<5>{});
  test::check<Image<3, 2, 3>>(LRN<5>{.alpha = 0.5, .beta = 0.6, .k = 2});
  test::check<Image<2, 4, 4>>(LRN<>{.alpha = 1e-4});
  test::check<Image<1, 2, 2>>(LRN<1>{}, {}, 2);
  test::check<Image<3, 1, 39>>(LRN<7>{.alpha = 0.3, .beta = 1.25}, {}, 2);
  test::check<Image<2, 6, 6>>(Sequential<Conv<6, 3>, ReLU, LRN<3>, Linear<3>>{});
}
TEST_CASE("LRN within channel") {
  test::check<Image<2, 5, 7>>(LRN<3, WithinChannel>{});
  test::check<Image<3, 4, 3>>(LRN<5, WithinChannel>{.alpha = 0.5, .beta = 0.6, .k = 2});
  test::check<Image<1, 1, 2>>(LRN<5, WithinChannel>{});
  test::check<Image<2, 2, 21>>(LRN<3, WithinChannel>{.alpha = 0.3, .k = 0.5}, {}, 2);
  test::check<Image<2, 8, 4>>(Sequential<Conv<2, 3, Pad<1>>, ReLU, LRN<1, WithinChannel>, Linear<3>>{});
}
TEST_CASE_TEMPLATE("LRN: Caffe's formulas by hand, alpha divided by the window's size", Backend, Cpu, Reference) {
  // Channels 1, 2, 3 at one pixel, window 3: sums of squares 5, 14, 13.
  Network<LRN<3>, Image<3, 1, 1>, Backend> across(LRN<3>{.alpha = 0.3, .beta = 0.5, .k = 2});
  const auto across_y = across.predict(Tensor<Image<3, 1, 1>>(1, std::vector<float>{1, 2, 3}));
  const auto y = across_y.values();
  CHECK(y[0] == doctest::Approx(1 / std::sqrt(2 + 0.1 * 5)));
  CHECK(y[1] == doctest::Approx(2 / std::sqrt(2 + 0.1 * 14)));
  CHECK(y[2] == doctest::Approx(3 / std::sqrt(2 + 0.1 * 13)));
  // 1 2 / 3 4 in a 3 x 3 window: each sees all four; alpha is divided by nine, padding included.
  Network<LRN<3, WithinChannel>, Image<1, 2, 2>, Backend> within(LRN<3, WithinChannel>{.alpha = 0.9});
  const auto within_y = within.predict(Tensor<Image<1, 2, 2>>(1, std::vector<float>{1, 2, 3, 4}));
  const auto z = within_y.values();
  for (int i = 0; i < 4; ++i) CHECK(z[std::size_t(i)] == doctest::Approx((i + 1) * std::pow(1 + 0.1 * 30, -0.75)));
}
TEST_CASE("LRN: numbers that make no sense") {
  CHECK_THROWS_WITH_AS((Network<LRN<>, Image<1, 1, 1>>(LRN<>{.k = 0})), doctest::Contains("k must be positive"), Error);
}
