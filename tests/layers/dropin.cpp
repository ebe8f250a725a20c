#include "../support/check.hpp"

using namespace dropnet;

namespace {
using In = Image<2, 5, 4>;
using Same = Conv<3, 3, Pad<1>>;
const std::vector<Share> shares{{0}, {0.4}, {0.999}, {1}, {0.4, Mask::bernoulli}, {1, Mask::bernoulli}, {0, Mask::bernoulli},
                                {0.4, Mask::channel}, {0.4, Mask::blend}, {1, Mask::blend}, {0, Mask::channel}};
}  // namespace

TEST_CASE("dropin") {
  for (const Share& s : shares) {
    CAPTURE(s.p);
    test::check<In>(DropIn<Same, Sequential<Same, ReLU>>{}, {s});
  }
}
TEST_CASE("dropin: what is not let in is not looked at, whatever lies between New's convolution and its output") {
  using Six = Image<6, 5, 4>;
  for (double p : {0.2, 0.7}) {
    CAPTURE(p);
    test::check<Six>(DropIn<Identity, Sequential<Conv<6, 3, Pad<1>>, Tanh, LRN<3, WithinChannel>>>{}, {{p}});
    test::check<Six>(DropIn<Identity, Sequential<Conv<6, 3, Pad<1>, Groups<3>>, Sigmoid>>{}, {{p, Mask::channel}});
    test::check<Image<300, 1, 1>>(DropIn<Identity, Sequential<Linear<300>, Tanh>>{}, {{p}}, 2);
  }
}
TEST_CASE("dropin: tested by the expectation") { test::check<In>(DropIn<Same, Same>{}, {{0.4, Mask::bernoulli}}, 3, false); }
TEST_CASE("dropin: tested with the training's prefix") { test::check<In>(DropIn<Same, Same>{}, {{0.4}}, 3, false); }
TEST_CASE("dropin: around a skipping connection") {
  for (const Share& s : shares) {
    CAPTURE(s.p);
    test::check<In>(DropIn<Identity, Sequential<Conv<4, 3, Pad<1>>, ReLU, Conv<2, 3, Pad<1>>>>{}, {s});
  }
}
TEST_CASE("dropin: with Resize, in which New changes channels and size") {
  for (const Share& s : shares) {
    CAPTURE(s.p);
    test::check<In>(DropIn<Conv<3, 3>, Conv<5, 2, Stride<1>>, Resize<>>{}, {s});
  }
  test::check<In>(DropIn<Conv<3, 3>, Conv<5, 2>, Resize<5, 2, 1>>{}, {{0.5}});
}
TEST_CASE("dropin: nested sites, any of them closed, part open, open") {
  using Nested = DropIn<Same, DropIn<Same, Same>>;
  for (double outer : {0.0, 0.3, 1.0})
    for (double inner : {0.0, 0.6, 1.0}) {
      CAPTURE(outer);
      CAPTURE(inner);
      test::check<In>(Nested{}, {{outer}, {inner}}, 2);
    }
}
TEST_CASE("stack: sites in every state beside each other") {
  using Stack = Sequential<DropInStack<Same, Same, 4>, Linear<2>>;
  test::check<In>(Stack{}, {{1}, {0.7}, {0.2}, {0}}, 2);
  test::check<In>(Stack{}, {{0}, {1}, {0}, {0.5}}, 2);
  test::check<In>(Stack{}, {{0}, {0}, {0}, {0}}, 2);
  test::check<In>(DropInStack<Identity, Conv<2, 3, Pad<1>>, 3>{}, {{0}, {0.5}, {1}}, 2);
}

TEST_CASE("Eq. 1: how many units are let in") {
  // r = 0 where i < q n: of 10 units at p = 0.25, q n = 7.5 leaves out 0 to 7.
  CHECK(units_let_in(0.25, 10) == 2);
  CHECK(units_let_in(0, 10) == 0);
  CHECK(units_let_in(1, 10) == 10);
  for (std::size_t n : {3u, 49u, 98u, 11520u})
    for (std::size_t k = 0; k <= n; ++k) REQUIRE(units_let_in(double(k) / double(n), n) == k);
}

TEST_CASE_TEMPLATE("mask: units come from the branch that the mask says", Backend, Cpu, Reference) {
  // Prev gives the weight-free 1, New 2: the output shows the mask.
  using Net = Network<DropIn<Conv<1, 1>, Conv<1, 1>>, Image<1, 4, 5>, Backend>;
  Net net(DropIn<Conv<1, 1>, Conv<1, 1>>{}, Net::no_fill);
  net.write(net.architecture().tensors[1], std::vector<float>{1});
  net.write(net.architecture().tensors[3], std::vector<float>{2});
  Workspace<Net> ws(net, 2);
  const auto run = [&](Share share, bool training, std::uint64_t iteration) {
    net.shares()[0] = share;
    ws.load(std::vector<float>(40, 0));
    net.forward(ws, {.iteration = iteration, .seed = Seed{1}, .training = training});
    std::vector<float> y(40);
    ws.outputs(y);
    return y;
  };
  auto y = run({0.25}, true, 0);
  for (std::size_t i = 0; i < 40; ++i) CHECK(y[i] == (i % 20 < 15 ? 1 : 2));
  CHECK(y == run({0.25}, false, 9));

  y = run({0.25, Mask::bernoulli}, true, 0);
  const Random random(Seed{1}, Random::dropin, 0, 0);
  for (std::size_t i = 0; i < 40; ++i) CHECK(y[i] == (random.word(i) < 0x40000000u ? 2 : 1));
  CHECK(y != run({0.25, Mask::bernoulli}, true, 1));
  CHECK(run({0.25, Mask::bernoulli}, false, 0) == std::vector<float>(40, 1.25f));
}

TEST_CASE_TEMPLATE("mask: by whole channels, and the blend of both", Backend, Cpu, Reference) {
  using Net = Network<DropIn<Conv<5, 1>, Conv<5, 1>>, Image<1, 2, 2>, Backend>;
  Net net(DropIn<Conv<5, 1>, Conv<5, 1>>{}, Net::no_fill);
  net.write(net.architecture().tensors[1], std::vector<float>(5, 1));
  net.write(net.architecture().tensors[3], std::vector<float>(5, 2));
  Workspace<Net> ws(net, 2);
  const auto run = [&](Share share) {
    net.shares()[0] = share;
    ws.load(std::vector<float>(8, 0));
    net.forward(ws, {.training = true});
    std::vector<float> y(40);
    ws.outputs(y);
    return y;
  };
  // floor(0.5 * 5) = 2 channels of 5 are new.
  const auto y = run({0.5, Mask::channel});
  for (std::size_t i = 0; i < 40; ++i) CHECK(y[i] == (i % 20 < 12 ? 1 : 2));
  CHECK(run({0.25, Mask::blend}) == std::vector<float>(40, 1.25f));
}

TEST_CASE_TEMPLATE("mask: what is left out may be NaN", Backend, Cpu, Reference) {
  using Net = Network<DropIn<Conv<1, 1>, Conv<1, 1>>, Image<1, 2, 2>, Backend>;
  for (Mask mask : {Mask::unit, Mask::bernoulli}) {
    Net net(DropIn<Conv<1, 1>, Conv<1, 1>>{}, Net::no_fill);
    Workspace<Net> ws(net, 1, Purpose::train);
    net.shares()[0] = {0.5, mask};
    net.write(net.architecture().tensors[1], std::vector<float>{1});
    net.write(net.architecture().tensors[3], std::vector<float>{float(test::nan)});  // New gives NaN everywhere
    ws.load(std::vector<float>(4, 1));
    net.forward(ws, {.seed = Seed{1}, .training = true});
    for (std::size_t i = 0; i < 4; ++i) {
      const bool is_new = mask == Mask::unit ? i >= 2 : Random(Seed{1}, Random::dropin, 0, 0).word(i) < 0x80000000u;
      CHECK(std::isnan(ws.output().data[i]) == is_new);
      ws.output().diff[i] = 1;
    }
    net.backward(ws);
    const double lettered = double(ws.gradients().data()[net.architecture().tensors[1].offset]);
    CHECK(std::isfinite(lettered));
  }
}

TEST_CASE("channels of which nothing is let in are not computed: what their weights hold reaches nothing") {
  using Input = Image<3, 6, 6>;
  using Spec = Sequential<DropIn<Conv<10, 3, Pad<1>>, Sequential<Conv<10, 3, Pad<1>>, ReLU, LRN<3, WithinChannel>>>, DropIn<Conv<8, 4, Stride<2>>, Conv<8, 3, Pad<1>, Dilation<1>>>,
                          DropIn<Linear<9>, Sequential<Linear<9>, Tanh>>, Linear<4>>;
  for (const Mask mask : {Mask::channel, Mask::unit}) {
    Network<Spec, Input> net(Fill{.layers = Gaussian{0.2f}}, Seed{4});
    std::fill(net.shares().begin(), net.shares().end(), Share{0.5, mask});
    const auto expected = test::outputs(net);
    for (const auto& t : net.architecture().tensors) {
      if (t.site < 0) continue;
      auto values = net.read(t);
      const std::size_t filters = std::size_t(t.shape[0]), out = filters / 2;  // the first half is left out
      std::fill_n(values.begin(), values.size() / filters * out, float(test::nan));
      if (t.name.starts_with("fc")) continue;  // a block of outputs is computed or not
      net.write(t, values);
    }
    CHECK(test::outputs(net) == expected);
    Workspace ws(net, 3, Purpose::train);
    ws.input_gradient = true;
    ws.load(test::random_values<float>(3 * Input::size, 1000));
    ws.load_labels(std::vector<int>{0, 1, 2});
    train_pass(net, ws, 0, Seed{1});
    for (float v : test::read(ws.diffs(), ws.input().diff, 3 * Input::size)) CHECK(std::isfinite(v));
    for (const auto& t : net.architecture().tensors)
      for (float v : test::read(ws.gradients(), ws.gradients().data() + t.offset, t.size)) CHECK(std::isfinite(v));
  }
}

TEST_CASE("work: the share of the multiply-adds that is done") {
  using Input = Image<4, 5, 5>;
  using Four = Conv<4, 3, Pad<1>>;
  constexpr double each = 4 * 4 * 9 * 25, last = 100;
  const auto of = [](const auto& net, std::vector<Share> open) { return work(net.architecture(), open); };
  const Network<Sequential<DropInStack<Four, Sequential<Four, ReLU>, 2>, Linear<1>>, Input> net;
  const double all = 3 * each + last;
  CHECK(of(net, {Share{0}, Share{0}}) == doctest::Approx((each + last) / all));
  CHECK(of(net, {Share{1}, Share{0}}) == doctest::Approx((2 * each + last) / all));
  CHECK(of(net, {Share{0.5, Mask::channel}, Share{0}}) == doctest::Approx((1.5 * each + last) / all));
  CHECK(of(net, {Share{0.3, Mask::unit}, Share{0}}) == doctest::Approx((1.5 * each + last) / all));  // two of four channels hold a unit
  CHECK(of(net, {Share{0.5, Mask::bernoulli}, Share{0}}) == doctest::Approx((2 * each + last) / all));
  const Network<Sequential<Four, DropIn<Identity, Sequential<Four, Four>>, Linear<1>>, Input> two;  // only the last one of New
  CHECK(of(two, {Share{0.5, Mask::channel}}) == doctest::Approx((2.5 * each + last) / all));
  CHECK(mean_work(net.architecture(), Gradual{.start = 0, .length = 4, .mask = Mask::channel}, 0, 8) == doctest::Approx(((each + last) + (1.5 * each + last) + (2 * each + last) + (2.5 * each + last) + 4 * all) / (8 * all)));
}
