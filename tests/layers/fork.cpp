// Add, Concat and Frozen.

#include "../support/check.hpp"

using namespace dropnet;

namespace {
using In = Image<2, 5, 4>;
using Same = Conv<2, 3, Pad<1>>;
using Residual = Add<Identity, Sequential<Same, BatchNorm, ReLU, Same, BatchNorm>>;
using Inception = Concat<Conv<2, 1>, Sequential<Conv<3, 1>, ReLU, Conv<1, 3, Pad<1>>>, MaxPool<3, Stride<1>, Pad<1>>, Identity>;
}  // namespace

TEST_CASE("add") {
  test::check<In>(Add<Same, Sequential<Same, ReLU>, Same>{}, {}, 2);
  test::check<In>(Add<Identity, Same>{});
  test::check<In>(Add<Same, Identity>{});
  test::check<In>(Add<Identity, Identity, Identity>{});
  test::check<In>(Sequential<Residual, ReLU, Residual, Linear<3>>{}, {}, 4);
  test::check<In>(Add<Conv<3, 3>, Sequential<Conv<4, 2>, Resize<3, 3, 2>>>{});
}
TEST_CASE("concat") {
  test::check<In>(Concat<Same, Conv<3, 1>>{});
  test::check<In>(Concat<Identity, Identity>{});
  test::check<In>(Sequential<Inception, ReLU, Inception, Linear<3>>{}, {}, 2);
  static_assert(std::is_same_v<decltype(Inception::output(In{})), Image<7, 5, 4>>);
}
TEST_CASE("sites within branches, branches within sites") {
  using Grown = Add<Identity, DropIn<Same, Sequential<ReLU, Same>>>;
  for (const Share& s : {Share{0}, Share{0.4}, Share{1}, Share{0.4, Mask::bernoulli}}) {
    CAPTURE(s.p);
    test::check<In>(Grown{}, {s}, 2);
    test::check<In>(DropIn<Same, Residual>{}, {s}, 4);
    test::check<In>(DropInStack<Identity, Residual, 2>{}, {s, {0.5}}, 4);
  }
}
TEST_CASE_TEMPLATE("add and concat worked by hand", Backend, Cpu, Reference) {
  const auto run = [](auto layer, std::vector<float> x) {
    Network<decltype(layer), Image<2, 1, 1>, Backend> net(layer);
    const auto y = net.predict(Tensor<Image<2, 1, 1>>(1, x));
    return std::vector<float>(y.values().begin(), y.values().end());
  };
  CHECK(run(Add{Identity{}, Identity{}, ReLU{}}, {-3, 5}) == std::vector<float>{-6, 15});
  CHECK(run(Concat{ReLU{}, Identity{}}, {-3, 5}) == std::vector<float>{0, 5, -3, 5});
}
TEST_CASE("transforms reach into branches and frozen layers") {
  using Spec = Sequential<Add<Identity, DropIn<Same, Sequential<Same, ReLU>>>, Concat<Frozen<DropIn<Same, Same>>, Identity>, Linear<3>>;
  static_assert(std::is_same_v<Shallow<Spec, In>, Sequential<Add<Identity, Same>, Concat<Frozen<Same>, Identity>, Linear<3>>>);
  Network<Spec, In> net(Fill{}, Seed{2});
  net.shares()[0] = net.shares()[1] = {0};
  CHECK(test::outputs(shallow(net)) == test::outputs(net));
  net.shares()[0] = net.shares()[1] = {1};
  CHECK(test::outputs(collapsed(net)) == test::outputs(net));
}

TEST_CASE("frozen: no gradient of its weights, the input's is there") {
  for (const bool training : {true, false}) {
    test::check<In>(Frozen<Same>{}, {}, 2, training);
    test::check<In>(Frozen<Sequential<Same, BatchNorm, Dropout, ReLU>>{}, {}, 3, training);
    test::check<In>(Sequential<Same, Frozen<Sequential<Same, ReLU>>, ReLU, Linear<3>>{}, {}, 2, training);
  }
  test::check<In>(Frozen<Sequential<DropIn<Sequential<Same, ReLU>, Sequential<Same, ReLU>>, ReLU>>{}, {{0.4, Mask::bernoulli}}, 2);
}
TEST_CASE_TEMPLATE("frozen: training moves nothing of it; the rest, and the bytes in it, are as trained without", Backend, Cpu, Reference) {
  using Body = Sequential<Conv<3, 3>, BatchNorm, ReLU, DropIn<Conv<3, 3, Pad<1>>, Conv<3, 3, Pad<1>>>, Dropout>;
  using Net = Network<Sequential<Frozen<Body>, Linear<6>, ReLU, Linear<3>>, Image<1, 6, 6>, Backend>;
  Net net(Fill{}, Seed{1});
  const auto before = net;
  const auto pixels = test::random_values<float>(12 * 36, 1);
  const auto data = Dataset::floats(Image<1, 6, 6>{}, pixels, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
  Trainer trainer{net, Sgd{.momentum = 0.9f, .weight_decay = 0.1f, .clip = 5}, Fixed{0.05f}, Gradual{.start = 0, .length = 20, .mask = Mask::bernoulli}};
  const double loss = evaluate(net, data).loss;
  trainer.fit(data, {.batch = 4, .iterations = 30});
  CHECK(evaluate(net, data).loss < loss);
  for (std::size_t i = 0; i < net.architecture().tensors.size(); ++i) {
    const auto& t = net.architecture().tensors[i];
    CHECK_MESSAGE((net.read(t) == before.read(t)) == t.frozen, t.name);
    CHECK(t.frozen == (t.name.substr(0, 2) != "fc"));
  }
  CHECK(net.extent().parameters == (3 * 16 + 1) * 6 - 6 + 6 + 3 * 6 + 3 - 0);
}
TEST_CASE("a network that begins with frozen layers does not compute gradients towards them") {
  using Net = Network<Sequential<Frozen<Same>, ReLU, Same, Linear<3>>, In>;
  Net net;
  struct Count : Probe<float> {
    std::vector<int> layers;
    void after(int layer, Direction d, const float*, std::size_t) override {
      if (d == Direction::backward) layers.push_back(layer);
    }
  } count;
  Workspace<Net> ws(net, 2, Purpose::train);
  test::fill(ws.activations(), 1);
  test::fill(ws.diffs(), test::nan);
  net.forward(ws, {.training = true});
  std::fill_n(ws.output().diff, 6, 1.0f);
  net.backward(ws, &count);
  CHECK(count.layers == std::vector<int>{3, 2});
  CHECK(std::isfinite(ws.gradients().data()[net.architecture().tensors[2].offset]));
}
TEST_CASE("frozen layers keep their names, so that a body's weights go under a new head") {
  using Whole = Sequential<Conv<4, 3>, ReLU, Conv<4, 3>, Linear<5>>;
  using Tuned = Sequential<Frozen<Sequential<Conv<4, 3>, ReLU, Conv<4, 3>>>, Linear<2>>;
  const auto names = [](const auto& net) {
    std::string all;
    for (const auto& t : net.architecture().tensors) all += t.name + " ";
    return all;
  };
  const std::string expected = "conv1_1.weight conv1_1.bias conv2_1.weight conv2_1.bias fc3.weight fc3.bias ";
  CHECK(names(Network<Whole, Image<1, 8, 8>>{}) == expected);
  CHECK(names(Network<Tuned, Image<1, 8, 8>>{}) == expected);
  CHECK(names(Network<Frozen<Whole>, Image<1, 8, 8>>{}) == expected);
}
