// Fillers, learning-rate policies and growth schedules against their formulas.

#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("learning-rate policies are Caffe's") {
  CHECK(rate_at(Fixed{0.1f}, 123456) == doctest::Approx(0.1));
  const Step step{.base = 0.01f, .gamma = 0.1f, .step = 100};
  CHECK(rate_at(step, 99) == doctest::Approx(0.01));
  CHECK(rate_at(step, 100) == doctest::Approx(0.001));
  CHECK(rate_at(step, 250) == doctest::Approx(0.0001));
  const MultiStep multi{.base = 1, .gamma = 0.5f, .steps = {10, 30}};
  CHECK(rate_at(multi, 9) == doctest::Approx(1));
  CHECK(rate_at(multi, 10) == doctest::Approx(0.5));
  CHECK(rate_at(multi, 30) == doctest::Approx(0.25));
  const Inverse inverse{.base = 0.01f, .gamma = 1e-4f, .power = 0.75f};
  CHECK(rate_at(inverse, 0) == doctest::Approx(0.01));
  CHECK(rate_at(inverse, 10000) == doctest::Approx(0.01 / std::pow(2.0, 0.75)));
  CHECK_THROWS_WITH_AS(check(LearningRate(Fixed{-1})), doctest::Contains("base is -1"), Error);
  CHECK_THROWS_WITH_AS(check(LearningRate(Step{.step = 0})), doctest::Contains("step is 0"), Error);
}

TEST_CASE("growth: p(t)") {
  const Gradual gradual{.start = 10, .length = 4};
  const std::vector<std::pair<int, double>> expected{{0, 0}, {9, 0}, {10, 0}, {11, 0.25}, {12, 0.5}, {13, 0.75}, {14, 1}, {1000, 1}};
  for (const auto& [t, p] : expected) CHECK(gradual.at(3, t).p == p);
  const Gradual sudden{.start = 10, .length = 0};
  CHECK(sudden.at(0, 9).p == 0);
  CHECK(sudden.at(0, 10).p == 1);
  const Staggered staggered{.start = 5, .length = 10, .gap = 20};
  CHECK(staggered.at(0, 10).p == 0.5);
  CHECK(staggered.at(1, 10).p == 0);
  CHECK(staggered.at(1, 30).p == 0.5);
  CHECK(staggered.at(2, 47).p == doctest::Approx(0.2));
  CHECK(Regularizing{0.3}.at(0, 99).p == 0.3);
  CHECK(Regularizing{0.3}.at(0, 99).mask == Mask::bernoulli);
  CHECK(Grown{}.at(5, 0).complete());
  std::vector<Share> shares(2);
  grow(shares, staggered, 10);
  CHECK(mean_share(shares) == 0.25);
}

TEST_CASE("growth: schedules that make no sense") {
  CHECK_THROWS_WITH_AS(check(Growth(Gradual{.length = -1})), doctest::Contains("length is -1"), Error);
  CHECK_THROWS_WITH_AS(check(Growth(Staggered{.gap = -2})), doctest::Contains("gap is -2"), Error);
  CHECK_THROWS_WITH_AS(check(Growth(Regularizing{1.5})), doctest::Contains("must lie in [0, 1]"), Error);
}

TEST_CASE("fillers are Caffe's") {
  TensorInfo t;
  t.fan_in = 50;
  t.fan_out = 200;
  t.size = 20000;
  const auto filled = [&](const Filler& f) {
    std::vector<double> values(t.size);
    Fill{.layers = f}.tensor(t, Random(Seed{1}, Random::filler, 0, 0), std::span(values));
    return values;
  };
  const auto deviation = [](const std::vector<double>& v) {
    double s = 0, q = 0;
    for (double x : v) s += x, q += x * x;
    return std::pair(s / double(v.size()), std::sqrt(q / double(v.size())));
  };
  CHECK(filled(Constant{0.5f}) == std::vector<double>(t.size, 0.5));
  const double near = 4 / std::sqrt(double(t.size));
  auto [mean, std] = deviation(filled(Gaussian{0.01f}));
  CHECK(std::abs(mean) < 0.01 * near);
  CHECK(std == doctest::Approx(0.01).epsilon(near));
  const auto xavier = filled(Xavier{});
  std::tie(mean, std) = deviation(xavier);
  const double limit = std::sqrt(3.0 / 50);
  CHECK(*std::max_element(xavier.begin(), xavier.end()) <= limit);
  CHECK(*std::max_element(xavier.begin(), xavier.end()) > 0.99 * limit);
  CHECK(*std::min_element(xavier.begin(), xavier.end()) < -0.99 * limit);
  CHECK(std == doctest::Approx(std::sqrt(1.0 / 50)).epsilon(near));
  std::tie(mean, std) = deviation(filled(Msra{}));
  CHECK(std == doctest::Approx(std::sqrt(2.0 / 50)).epsilon(near));
}

TEST_CASE("fill: one filler before DropIn, another behind, biases apart") {
  using Spec = Sequential<DropIn<Linear<30>, Linear<30>>, Linear<5>>;
  const Network<Spec, Image<20, 1, 1>> net(Fill{.layers = Constant{1}, .added = Constant{2}, .bias = Constant{3}}, Seed{1});
  std::vector<float> first;
  for (const auto& t : net.architecture().tensors) first.push_back(net.read(t)[0]);
  CHECK(first == std::vector<float>{1, 3, 2, 3, 1, 3});
  const Network<Spec, Image<20, 1, 1>> same(Fill{.layers = Xavier{}}, Seed{1}), again(Fill{.layers = Xavier{}}, Seed{1}), other(Fill{.layers = Xavier{}}, Seed{2});
  const auto& t = same.architecture().tensors[2];
  CHECK(same.read(t) == again.read(t));
  CHECK(same.read(t) != other.read(t));
  CHECK(same.read(t) != same.read(same.architecture().tensors[0]));
}
