#include "../support/check.hpp"

using namespace dropnet;
using Spec = Sequential<Conv<2, 3>, Linear<3>>;
using In = Image<1, 5, 5>;

namespace {

/// One tensor followed by hand through Caffe's update.
struct ByHand {
  std::vector<double> w, v;
  void step(const std::vector<double>& g, double rate, double momentum, double decay, double scale, bool nesterov) {
    for (std::size_t i = 0; i < w.size(); ++i) {
      const double before = v[i];
      v[i] = momentum * v[i] + rate * (scale * g[i] + decay * w[i]);
      w[i] -= nesterov ? (1 + momentum) * v[i] - momentum * before : v[i];
    }
  }
};

template <class Backend>
void follow(Sgd sgd) {
  using Net = Network<Spec, In, Backend, double>;
  Spec spec;
  spec.head.bias = {.rate = 2, .decay = 0};
  Net net(spec, Fill{.bias = Constant{0.1f}}, Seed{1});
  Workspace<Net> ws(net, 4, Purpose::train);
  Solver<Net> solver(net, sgd);
  std::vector<ByHand> expected;
  for (const auto& t : net.architecture().tensors) expected.push_back({net.read(t), std::vector<double>(t.size)});
  for (int step = 0; step < 3; ++step) {
    ws.load(test::random_values<double>(4 * In::size, step));
    ws.load_labels(std::vector<int>{0, 1, 2, 1});
    train_pass(net, ws, step, Seed{1});
    std::vector<std::vector<double>> g;
    double squares = 0;
    for (const auto& t : net.architecture().tensors) {
      g.emplace_back(t.size);
      ws.gradients().download(t.offset, g.back());
      for (double x : g.back()) squares += x * x;
    }
    const double norm = std::sqrt(squares), scale = sgd.clip > 0 && norm > sgd.clip ? sgd.clip / norm : 1;
    solver.step(net, ws, 0.1);
    for (std::size_t k = 0; k < g.size(); ++k) {
      const auto& t = net.architecture().tensors[k];
      const double rate = 0.1 * (k == 1 ? 2 : 1) * double(t.is_bias ? sgd.bias_rate : 1);
      const double decay = double(sgd.weight_decay) * (k == 1 ? 0 : 1) * double(t.is_bias ? sgd.bias_decay : 1);
      expected[k].step(g[k], rate, double(sgd.momentum), decay, scale, sgd.nesterov);
      CHECK(test::distance(net.read(t), expected[k].w) < 1e-12);
    }
  }
}

}  // namespace

TEST_CASE_TEMPLATE("sgd: momentum, decay, multipliers and clipping as Caffe has them", Backend, Cpu, Reference) {
  follow<Backend>({});
  follow<Backend>({.momentum = 0.9f, .weight_decay = 0.01f});
  follow<Backend>({.momentum = 0.9f, .weight_decay = 0.01f, .bias_rate = 2, .bias_decay = 0});
  follow<Backend>({.momentum = 0.9f, .weight_decay = 0.01f, .nesterov = true});
  follow<Backend>({.momentum = 0.5f, .clip = 0.01f});
  follow<Backend>({.momentum = 0.5f, .clip = 1000});
}

TEST_CASE_TEMPLATE("sgd: nothing changes from a loss on that is not finite, until the tally is taken", Backend, Cpu, Reference) {
  using Net = Network<Spec, In, Backend, double>;
  Net net(Fill{}, Seed{1});
  Workspace<Net> ws(net, 2, Purpose::train);
  Solver<Net> solver(net, {.momentum = 0.9f});
  std::vector<double> x = test::random_values<double>(2 * In::size, 1);
  const auto step = [&] {
    ws.load(x);
    ws.load_labels(std::vector<int>{0, 1});
    ws.begin(net, {.training = true, .rate = 0.1});
    queue_train_pass(net, ws);
    solver.queue_step(net, ws);
  };
  const auto weights = [&] { return net.read(net.architecture().tensors.front()); };
  const auto before = weights();
  step();
  const auto after = weights();
  CHECK(after != before);
  const double kept = x[3];
  x[3] = test::nan;
  step();
  x[3] = kept;
  step();
  CHECK(weights() == after);
  const Tally tally = ws.take_tally();
  CHECK(tally.diverged());
  CHECK(tally.finite == 1);
  CHECK(tally.batches == 3);
  CHECK(tally.images == 6);
  CHECK(std::isnan(tally.mean_loss()));
  step();
  CHECK(weights() != after);
  CHECK(!ws.take_tally().diverged());
}

TEST_CASE_TEMPLATE("iter_size: passes of small batches make the step of one large one", Backend, Cpu, Reference) {
  const auto pixels = test::random_values<float>(24 * In::size, 3);
  std::vector<int> labels;
  for (int n = 0; n < 24; ++n) labels.push_back(n % 3);
  const auto data = Dataset::floats(In{}, pixels, labels);
  const auto trained = [&](int batch, int iter_size) {
    Network<Spec, In, Backend, double> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{.momentum = 0.9f, .weight_decay = 0.01f}, Fixed{0.1f}, Grown{}, Seed{4}};
    trainer.fit(data, {.batch = batch, .iter_size = iter_size, .iterations = 5});
    return test::weights(net);
  };
  const auto once = trained(12, 1);
  CHECK(test::distance(trained(4, 3), once) < 1e-12);
  CHECK(test::distance(trained(6, 2), once) < 1e-12);
  Network<Spec, In> net;
  Trainer trainer{net, Sgd{}, Fixed{0.1f}};
  CHECK_THROWS_WITH_AS(trainer.fit(data, {.iter_size = 0}), doctest::Contains("iter_size is 0"), Error);
}

TEST_CASE("sgd: numbers that make no sense") {
  Network<Spec, In> net;
  CHECK_THROWS_WITH_AS((Solver<decltype(net)>(net, {.momentum = 1})), doctest::Contains("momentum"), Error);
  CHECK_THROWS_WITH_AS((Solver<decltype(net)>(net, {.weight_decay = -1})), doctest::Contains("weight_decay"), Error);
  CHECK_THROWS_WITH_AS((Solver<decltype(net)>(net, {.clip = -1})), doctest::Contains("clip"), Error);
}

TEST_CASE_TEMPLATE("softmax cross-entropy: worked by hand, and its gradient by differences", Backend, Cpu, Reference) {
  using Net = Network<Identity, Image<3, 1, 1>, Backend, double>;
  Net net;
  Workspace<Net> ws(net, 4, Purpose::train);
  // Rows: uniform; label first; label second of equals; an exponential that overflows unless shifted.
  std::vector<double> x{1, 1, 1, /**/ 3, 1, 2, /**/ 2, 2, 0, /**/ 1000, 0, 0};
  Tally tally;
  const auto run = [&] {
    ws.load(x);
    ws.load_labels(std::vector<int>{2, 0, 1, 0});
    net.forward(ws);
    softmax_loss(ws.backend(), ws.output(), ws.labels(), 2, ws.tally(), ws.batch());
    tally = ws.take_tally();
    return tally.mean_loss();
  };
  const double e = std::exp(1.0);
  CHECK(run() == doctest::Approx((std::log(3) + std::log(1 + 1 / e + 1 / (e * e)) + std::log(2 + std::exp(-2)) + 0) / 4).epsilon(1e-12));
  CHECK(tally.first == 2);  // rows 1 and 3; of equals the lower index is the greater
  CHECK(tally.within == 3);  // row 2's label is second, row 0's third
  const std::vector<double> gradient(ws.output().diff, ws.output().diff + 12);
  for (std::size_t i = 0; i < 9; ++i) {
    double expected;
    REQUIRE(detail::slope(x[i], 1e-5, run, expected));
    CHECK(gradient[i] == doctest::Approx(expected).epsilon(1e-6));
  }
  x[0] = test::nan;
  CHECK(std::isnan(run()));
}
