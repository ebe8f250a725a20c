// Fillers, learning-rate policies and growth schedules against their formulas.

#include <numeric>

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
  CHECK(rate_at(Exponential{.base = 2, .gamma = 0.5f}, 3) == doctest::Approx(0.25));
  const Polynomial poly{.base = 2, .power = 2, .iterations = 100};
  CHECK(rate_at(poly, 0) == 2);
  CHECK(rate_at(poly, 50) == doctest::Approx(0.5));
  CHECK(rate_at(poly, 100) == 0);
  CHECK(rate_at(poly, 1000) == 0);
  const SigmoidDecay sigmoid{.base = 2, .gamma = -0.1f, .step = 50};
  CHECK(rate_at(sigmoid, 50) == doctest::Approx(1));
  CHECK(rate_at(sigmoid, 60) == doctest::Approx(2 / (1 + std::exp(1.0))));
  const WarmUp warm{.length = 10, .from = 0.2f, .then = Step{.base = 1, .gamma = 0.5f, .step = 5}};
  CHECK(rate_at(warm, 0) == doctest::Approx(0.2));
  CHECK(rate_at(warm, 4) == doctest::Approx(0.52));
  CHECK(rate_at(warm, 5) == doctest::Approx(0.5 * 0.6));
  CHECK(rate_at(warm, 10) == doctest::Approx(0.25));
  CHECK_THROWS_WITH_AS(check(LearningRate(WarmUp{.length = -1})), doctest::Contains("length is -1"), Error);
  CHECK_THROWS_WITH_AS(check(LearningRate(WarmUp{.then = Step{.step = 0}})), doctest::Contains("step is 0"), Error);
  CHECK_THROWS_WITH_AS(check(LearningRate(Polynomial{.iterations = 0})), doctest::Contains("iterations is 0"), Error);
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

TEST_CASE("growth: site by site") {
  const BySite by{.sites = {{0, 10, 10}, {2, 0, 4}}, .mask = Mask::channel};
  CHECK(by.at(0, 15).p == 0.5);
  CHECK(by.at(0, 15).mask == Mask::channel);
  CHECK(by.at(1, 0).complete());
  CHECK(by.at(2, 1).p == 0.25);
  check(Growth(by), 3);
  CHECK_THROWS_WITH_AS(check(Growth(by), 2), doctest::Contains("there is no site 2; the network has 2"), Error);
}

TEST_CASE("growth: schedules that make no sense") {
  CHECK_THROWS_WITH_AS(check(Growth(Gradual{.length = -1}), 1), doctest::Contains("length is -1"), Error);
  CHECK_THROWS_WITH_AS(check(Growth(Staggered{.gap = -2}), 1), doctest::Contains("gap is -2"), Error);
  CHECK_THROWS_WITH_AS(check(Growth(Regularizing{1.5}), 1), doctest::Contains("must lie in [0, 1]"), Error);
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
  CHECK(deviation(filled(Xavier{.fan = Fan::out})).second == doctest::Approx(std::sqrt(1.0 / 200)).epsilon(near));
  CHECK(deviation(filled(Msra{.fan = Fan::average})).second == doctest::Approx(std::sqrt(2.0 / 125)).epsilon(near));
  const auto uniform = filled(Uniform{.min = -1, .max = 3});
  CHECK(*std::min_element(uniform.begin(), uniform.end()) > -1);
  CHECK(*std::max_element(uniform.begin(), uniform.end()) < 3);
  std::tie(mean, std) = deviation(uniform);
  CHECK(mean == doctest::Approx(1).epsilon(0.05));
  t.shape = {40, 5, 10, 10};
  const auto ball = filled(PositiveUnitball{});
  for (std::size_t o = 0; o < 40; ++o) CHECK(std::accumulate(&ball[o * 500], &ball[o * 500] + 500, 0.0) == doctest::Approx(1));
  CHECK(*std::min_element(ball.begin(), ball.end()) > 0);
  // Caffe's example of a factor 2: kernel 4, f = 2, c = 0.75: sides .25 .75 .75 .25.
  t.shape = {1, 1, 4, 4};
  t.size = 16;
  const auto bilinear = filled(Bilinear{});
  const double side[] = {0.25, 0.75, 0.75, 0.25};
  for (std::size_t i = 0; i < 16; ++i) CHECK(bilinear[i] == doctest::Approx(side[i % 4] * side[i / 4]));
}

TEST_CASE("fill: one filler before DropIn, another behind, biases apart") {
  using Spec = Sequential<DropIn<Linear<30>, Linear<30>>, Linear<5>>;
  const Network<Spec, Image<20, 1, 1>> net(Fill{.layers = Constant{1}, .added = Constant{2}, .bias = Constant{3}}, Seed{1});
  std::vector<float> first;
  for (const auto& t : net.architecture().tensors) first.push_back(net.read(t)[0]);
  CHECK(first == std::vector<float>{1, 3, 2, 3, 1, 3});
  const Network<Spec, Image<20, 1, 1>> same(Fill{.layers = Xavier{}}, Seed{1}), again(Fill{.layers = Xavier{}}, Seed{1}), other(Fill{.layers = Xavier{}}, Seed{2});
  const auto conv = Conv<2, 3>{.weight = {.filler = Constant{7}}, .bias = {.filler = Constant{8}}};
  const Network<Conv<2, 3>, Image<1, 3, 3>> own(conv, Fill{.layers = Constant{1}});
  CHECK(own.read(own.architecture().tensors[0])[5] == 7);
  CHECK(own.read(own.architecture().tensors[1])[1] == 8);
  const auto& t = same.architecture().tensors[2];
  CHECK(same.read(t) == again.read(t));
  CHECK(same.read(t) != other.read(t));
  CHECK(same.read(t) != same.read(same.architecture().tensors[0]));
}
