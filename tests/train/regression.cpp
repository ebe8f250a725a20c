// Targets instead of labels: the squared-error loss, alone and in training.

#include <sstream>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

using In = Image<1, 2, 3>;

/// Targets that are a linear function of the image.
struct Line {
  std::vector<float> pixels = test::random_values<float>(40 * In::size, 1), targets;
  Dataset data;
  Line() {
    for (std::size_t n = 0; n < 40; ++n) {
      targets.push_back(2 * pixels[n * 6] - pixels[n * 6 + 5] + 0.5f);
      targets.push_back(pixels[n * 6 + 2]);
    }
    data = Dataset::floats(In{}, pixels, std::vector<int>(40, 0)).with_targets(targets);
  }
};

}  // namespace

TEST_CASE_TEMPLATE("squared error: loss and gradient by hand", Backend, Cpu, Reference) {
  using Net = Network<Identity, Image<2, 1, 1>, Backend>;
  Net net;
  Workspace<Net> ws(net, 2, Purpose::train);
  ws.load(std::vector<float>{1, 2, 3, 4});
  ws.load_targets(std::vector<float>{0, 2, 1, 7});
  net.forward(ws);
  queue_loss(ws, ws.output(), 1);
  const Tally tally = ws.take_tally();
  CHECK(tally.loss == (1 + 0 + 4 + 9) / 2.0);
  CHECK(tally.mean_loss() == 3.5);
  CHECK(tally.finite == 1);
  const float* d = ws.output().diff;
  CHECK(std::vector<float>(d, d + 4) == std::vector<float>{0.5f, 0, 1, -1.5f});
  ws.load_targets(std::vector<float>{0, float(test::nan), 1, 7});
  queue_loss(ws, ws.output(), 1);
  CHECK(ws.take_tally().diverged());
}

TEST_CASE_TEMPLATE("squared error: the gradient is the slope of the loss", Backend, Cpu, Reference) {
  using Net = Network<Identity, Image<3, 2, 1>, Backend, double>;
  Net net;
  Workspace<Net> ws(net, 3, Purpose::train);
  auto x = test::random_values<double>(18, 1);
  const auto targets = test::random_values<double>(18, 2);
  const auto loss = [&] {
    ws.load(x);
    ws.load_targets(targets);
    net.forward(ws);
    queue_loss(ws, ws.output(), 1);
    return ws.take_tally().mean_loss();
  };
  for (std::size_t i = 0; i < 18; ++i) {
    double expected;
    REQUIRE(detail::slope(x[i], 1e-5, loss, expected));
    loss();
    CHECK(ws.output().diff[i] == doctest::Approx(expected).epsilon(1e-6));
  }
}

TEST_CASE("a network learns a function of its input, with and without workers") {
  const Line line;
  const auto trained = [&](int workers) {
    Network<Linear<2>, In> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.05f}};
    std::ostringstream out;
    Console console(out);
    trainer.fit(line.data, {.batch = 8, .iterations = 200, .test = &line.data, .display = 100, .workers = workers, .observers = {&console}});
    CHECK(out.str().find("accuracy") == std::string::npos);
    const Evaluation e = evaluate(net, line.data);
    CHECK(e.loss < 1e-6);
    CHECK(std::isnan(e.accuracy));
    CHECK(e.images == 40);
    CHECK(net.read(net.architecture().tensors[0])[0] == doctest::Approx(2).epsilon(1e-3));
    return net.read(net.architecture().tensors[0]);
  };
  CHECK(trained(0) == trained(2));
}

TEST_CASE("targets that do not fit are refused in words") {
  const Line line;
  CHECK_THROWS_WITH_AS(line.data.with_targets(std::span(line.targets).first(79)), doctest::Contains("79 target values for 40 images"), Error);
  CHECK_THROWS_WITH_AS((evaluate(Network<Linear<3>, In>{}, line.data)), doctest::Contains("a target has 2 values but the network has 3 outputs"), Error);
  Network<Linear<2>, In> net;
  Workspace ws(net, 4);
  CHECK_THROWS_WITH_AS(ws.load_targets(std::vector<float>(7)), doctest::Contains("7 target values for a batch of 4 and 2 outputs"), Error);
  CHECK(line.data.first(5).targets().size() == 10);
  CHECK(line.data.first(5).size() == 5);
}
