#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("relu") {
  test::check<Image<3, 5, 7>>(ReLU{});
  Network<ReLU, Image<1, 1, 4>> net;
  const auto y = net.predict(Tensor<Image<1, 1, 4>>(1, std::vector<float>{-1, 0, 2, float(test::nan)}));
  CHECK(y.values()[0] == 0);
  CHECK(y.values()[1] == 0);
  CHECK(y.values()[2] == 2);
  CHECK(std::isnan(y.values()[3]));
}
TEST_CASE("identity") { test::check<Image<2, 3, 5>>(Identity{}); }

TEST_CASE("dropout") {
  test::check<Image<3, 5, 7>>(Dropout{.ratio = 0.3});
  test::check<Image<3, 5, 7>>(Dropout{.ratio = 0.3}, {}, 3, false);
}
TEST_CASE_TEMPLATE("dropout: statistics, and the same mask at the same time only", Backend, Cpu, Reference) {
  using In = Image<1, 100, 100>;
  Network<Dropout, In, Backend> net(Dropout{.ratio = 0.3});
  Workspace<decltype(net)> ws(net, 2);
  const auto run = [&](bool training, std::uint64_t iteration, std::uint64_t seed) {
    ws.load(std::vector<float>(2 * In::size, 1));
    net.forward(ws, {.iteration = iteration, .seed = Seed{seed}, .training = training});
    std::vector<float> y(2 * In::size);
    ws.outputs(y);
    return y;
  };
  const auto y = run(true, 7, 1);
  const auto zeros = double(std::count(y.begin(), y.end(), 0.0f));
  CHECK(std::abs(zeros / 20000 - 0.3) < 4 * std::sqrt(0.3 * 0.7 / 20000));
  CHECK(std::count(y.begin(), y.end(), 1 / 0.7f) == 20000 - int(zeros));
  CHECK(y == run(true, 7, 1));
  CHECK(y != run(true, 8, 1));
  CHECK(y != run(true, 7, 2));
  CHECK(run(false, 7, 1) == std::vector<float>(2 * In::size, 1));
}
TEST_CASE("dropout: a ratio that is none") {
  CHECK_THROWS_WITH_AS((Network<Dropout, Image<1, 1, 1>>(Dropout{.ratio = 1})), doctest::Contains("ratio"), Error);
}

TEST_CASE("leaky ReLU, sigmoid, tanh") {
  test::check<Image<3, 5, 7>>(LeakyReLU{});
  test::check<Image<3, 5, 7>>(LeakyReLU{0.3f}, {}, 2);
  test::check<Image<3, 5, 7>>(Sigmoid{});
  test::check<Image<3, 5, 7>>(Tanh{});
  test::check<Image<1, 1, 1>>(Tanh{}, {}, 1);
  test::check<Image<2, 6, 6>>(Sequential<Conv<3, 3>, Sigmoid, Linear<4>, LeakyReLU>{});
}
TEST_CASE_TEMPLATE("activations: worked by hand, and far from zero", Backend, Cpu, Reference) {
  const auto at = [](auto layer, float x) {
    Network<decltype(layer), Image<1, 1, 1>, Backend> net(layer);
    return net.predict(Tensor<Image<1, 1, 1>>(1, std::vector<float>{x})).values()[0];
  };
  CHECK(at(LeakyReLU{0.25f}, -8) == -2);
  CHECK(at(LeakyReLU{0.25f}, 8) == 8);
  CHECK(at(Sigmoid{}, 0) == 0.5f);
  CHECK(at(Sigmoid{}, 200) == 1);
  CHECK(at(Sigmoid{}, -200) == doctest::Approx(0));
  CHECK(at(Tanh{}, 0.5f) == doctest::Approx(0.46211716));
  CHECK(at(Tanh{}, 100) == 1);
}
TEST_CASE("softmax: gradients; sums to one; shifted by the greatest") {
  test::check<Image<5, 1, 1>>(Softmax{});
  test::check<Image<4, 3, 2>>(Softmax{}, {}, 2);
  Network<Softmax, Image<3, 1, 1>> net;
  const auto y = net.predict(Tensor<Image<3, 1, 1>>(1, std::vector<float>{1000, 1000 + std::log(2.0f), 900}));
  CHECK(y(0, 0, 0, 0) == doctest::Approx(1.0 / 3).epsilon(1e-4));
  CHECK(y(0, 1, 0, 0) == doctest::Approx(2.0 / 3).epsilon(1e-4));
  CHECK(y(0, 2, 0, 0) == doctest::Approx(0));
}

TEST_CASE_TEMPLATE("dropout with a schedule: the share of zeros follows the line", Backend, Cpu, Reference) {
  using In = Image<1, 100, 100>;
  const Dropout layer{.ratio = 0.9, .end = 0.1, .start = 100, .length = 200};
  test::check<Image<2, 4, 5>>(layer);
  Network<Dropout, In, Backend> net(layer);
  Workspace<decltype(net)> ws(net, 1);
  const auto at = [&](std::uint64_t iteration) {
    ws.load(std::vector<float>(In::size, 1));
    net.forward(ws, {.iteration = iteration, .training = true});
    const auto y = test::read(ws.activations(), ws.output().data, In::size);
    return std::pair(double(std::count(y.begin(), y.end(), 0.0f)) / double(In::size), *std::max_element(y.begin(), y.end()));
  };
  for (const auto& [iteration, ratio] : {std::pair(0, 0.9), {100, 0.9}, {150, 0.7}, {200, 0.5}, {300, 0.1}, {9999, 0.1}}) {
    const auto [zeros, grown] = at(std::uint64_t(iteration));
    CHECK(zeros == doctest::Approx(ratio).epsilon(0.04));
    CHECK(grown == doctest::Approx(1 / (1 - ratio)));
  }
  CHECK_THROWS_WITH_AS((Network<Dropout, In>(Dropout{.ratio = 0.5, .end = 1})), doctest::Contains("below 1"), Error);
  CHECK_THROWS_WITH_AS((Network<Dropout, In>(Dropout{.length = -1})), doctest::Contains("length -1"), Error);
}
