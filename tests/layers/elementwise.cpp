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
