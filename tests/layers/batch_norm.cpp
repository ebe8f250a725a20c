#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("batch normalisation: by the batch's statistics, and by the running ones") {
  for (const bool training : {true, false}) {
    test::check<Image<3, 4, 5>>(BatchNorm{}, {}, 4, training);
    test::check<Image<5, 1, 1>>(BatchNorm{.epsilon = 0.1}, {}, 7, training);
    test::check<Image<2, 3, 3>>(BatchNorm{}, {}, 1, training);
    test::check<Image<2, 6, 6>>(Sequential<Conv<4, 3>, BatchNorm, ReLU, Conv<3, 3>, BatchNorm, Linear<3>>{}, {}, 5, training);
  }
}
TEST_CASE_TEMPLATE("batch normalisation worked by hand: outputs, and where the running statistics go", Backend, Cpu, Reference) {
  // Channel values 1, 3 and 5, 7 in two samples of two pixels: mean 4, variance (9 + 1 + 1 + 9) / 4 = 5, of the population 20 / 3.
  using Net = Network<BatchNorm, Image<1, 1, 2>, Backend>;
  Net net(BatchNorm{.epsilon = 0, .follow = 0.25});
  const auto& t = net.architecture().tensors;
  REQUIRE(t.size() == 4);
  CHECK(t[0].name == "bn0.weight");
  CHECK(t[2].name == "bn0.running_mean");
  CHECK(net.extent().parameters == 2);
  CHECK(net.read(t[0]) == std::vector<float>{1});
  CHECK(net.read(t[3]) == std::vector<float>{1});
  Workspace<Net> ws(net, 2, Purpose::train);
  Solver<Net> solver(net, {.momentum = 0.9f, .weight_decay = 0.1f});
  for (int i = 0; i < 2; ++i) {
    ws.load(std::vector<float>{1, 3, 5, 7});
    net.forward(ws, {.training = true});
    CHECK(ws.output().data[0] == doctest::Approx(net.read(t[0])[0] * -3 / std::sqrt(5.0) + net.read(t[1])[0]));
    std::fill_n(ws.output().diff, 4, 0.0f);
    net.backward(ws);
    solver.step(net, ws, 0.01);
  }
  // From 0 and 1, a quarter of the way, twice.
  CHECK(net.read(t[2])[0] == doctest::Approx(4 * (1 - 0.75 * 0.75)));
  CHECK(net.read(t[3])[0] == doctest::Approx(20.0 / 3 + (1 - 20.0 / 3) * 0.75 * 0.75));
  CHECK(net.read(t[0])[0] < 1);  // trained: it decays
  net.write(t[2], std::vector<float>{2});
  net.write(t[3], std::vector<float>{4});
  net.write(t[0], std::vector<float>{10});
  net.write(t[1], std::vector<float>{1});
  CHECK(net.predict(Tensor<Image<1, 1, 2>>(1, std::vector<float>{2, 3})).values()[1] == 6);
}
TEST_CASE("several passes for one step: the running statistics go to the passes' mean") {
  std::vector<float> pixels(6 * 4);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(i % 7);
  const auto data = Dataset::floats(Image<2, 1, 2>{}, pixels, {0, 1, 0, 1, 0, 1});
  using Net = Network<Sequential<BatchNorm, Linear<2>>, Image<2, 1, 2>>;
  const auto running = [&](int iter_size) {
    Net net(Sequential<BatchNorm, Linear<2>>{BatchNorm{.follow = 1}, Linear<2>{}});
    Trainer trainer{net, Sgd{}, Fixed{0}};
    trainer.fit(data, {.batch = 6 / iter_size, .iter_size = iter_size, .iterations = 1});
    return net.read(net.architecture().tensors[2]);
  };
  const auto at_once = running(1), in_three = running(3);
  for (std::size_t c = 0; c < 2; ++c) CHECK(at_once[c] == doctest::Approx(in_three[c]));
}
TEST_CASE("batch normalisation: numbers that make no sense") {
  CHECK_THROWS_WITH_AS((Network<BatchNorm, Image<1, 1, 1>>(BatchNorm{.follow = 2})), doctest::Contains("follow in [0, 1]"), Error);
}
