#include "../support/check.hpp"

using namespace dropnet;

namespace {

template <int N>
using LeNet = Sequential<DropInStack<Conv<20, 5>, Conv<20, 3, Pad<1>>, N - 1>, MaxPool<2>,
                         DropInStack<Conv<50, 5>, Conv<50, 3, Pad<1>>, N - 1>, MaxPool<2>, Linear<500>, ReLU, Linear<10>>;
using Digits = Image<1, 28, 28>;

template <class Net>
std::vector<std::string> tensor_names(const Net& net) {
  std::vector<std::string> names;
  for (const auto& t : net.architecture().tensors) names.push_back(t.name);
  return names;
}

}  // namespace

TEST_CASE("plan: known at compile time") {
  // 20 (25 + 1) + 50 (20 25 + 1) + 500 (800 + 1) + 10 (500 + 1)
  static_assert(plan(LeNet<1>{}, Digits{}).parameters == 431080);
  // and for each added pair 20 (20 9 + 1) + 50 (50 9 + 1) = 26,170 more
  static_assert(plan(LeNet<5>{}, Digits{}).parameters == 431080 + 4 * 26170);
  static_assert(plan(LeNet<5>{}, Digits{}).sites == 8);
  static_assert(plan(LeNet<1>{}, Digits{}).weights % 16 == 0);
  const Network<LeNet<5>, Digits> net;
  CHECK(net.extent() == plan(LeNet<5>{}, Digits{}));
  for (const auto& t : net.architecture().tensors) CHECK(t.offset % 16 == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(net.weights().data()) % 64 == 0);
}

TEST_CASE("names are the paper's, in shallow and deep nets alike") {
  const std::vector<std::string> deep{"conv1_1.weight", "conv1_1.bias", "conv1_2.weight", "conv1_2.bias", "conv2_1.weight", "conv2_1.bias",
                                      "conv2_2.weight", "conv2_2.bias", "fc3.weight", "fc3.bias", "fc4.weight", "fc4.bias"};
  const std::vector<std::string> flat{"conv1_1.weight", "conv1_1.bias", "conv2_1.weight", "conv2_1.bias", "fc3.weight", "fc3.bias", "fc4.weight", "fc4.bias"};
  const Network<LeNet<2>, Digits> net;
  CHECK(tensor_names(net) == deep);
  CHECK(tensor_names(plain(net)) == deep);
  CHECK(tensor_names(shallow(net)) == flat);
  CHECK(tensor_names(Network<LeNet<1>, Digits>()) == flat);
  std::vector<std::string> layers;
  for (const auto& l : net.architecture().layers) layers.push_back(l.name);
  CHECK(layers == std::vector<std::string>{"conv1_1", "conv1_2", "dropin1_2", "pool1", "conv2_1", "conv2_2", "dropin2_2", "pool2", "fc3", "relu3", "fc4"});
  CHECK(tensor_names(Network<DropIn<Linear<4>, Linear<4>>, Digits>()) == std::vector<std::string>{"fc1.weight", "fc1.bias", "fc1_2.weight", "fc1_2.bias"});
}

TEST_CASE("tensors: shapes, fans and sites") {
  const Network<LeNet<2>, Digits> net;
  const auto& t = net.architecture().tensors;
  CHECK(t[2].shape == std::vector<int>{20, 20, 3, 3});
  CHECK(t[2].fan_in == 180);
  CHECK(t[2].fan_out == 180);
  CHECK(t[0].fan_in == 25);
  CHECK(t[0].fan_out == 500);
  CHECK(t[8].shape == std::vector<int>{500, 800});
  CHECK(t[8].fan_out == 500);
  CHECK(t[0].site == -1);
  CHECK(t[2].site == 0);
  CHECK(t[6].site == 1);
  CHECK(t[3].is_bias);
}

TEST_CASE("summary") {
  Network<LeNet<2>, Digits> net;
  net.shares()[0].p = 0.25;
  const auto text = summary(net);
  CHECK(text.find("conv1_2    20x24x24       3,620      2,073,600   46,080  0.25") != std::string::npos);
  CHECK(text.find("total                   457,250      5,806,600  139,656") != std::string::npos);
}

TEST_CASE("networks are values: a copy has its own weights") {
  Network<LeNet<1>, Digits> a(Fill{}, Seed{1});
  auto b = a;
  const auto before = test::outputs(a, 2);
  CHECK(test::outputs(b, 2) == before);
  const auto& t = b.architecture().tensors[0];
  b.write(t, std::vector<float>(t.size, 0));
  CHECK(test::outputs(a, 2) == before);
  CHECK(test::outputs(b, 2) != before);
  const auto moved = std::move(a);
  CHECK(test::outputs(moved, 2) == before);
}

TEST_CASE("values of layers reach the network") {
  const auto spec = Sequential{Conv<2, 3>{.bias = {.rate = 2, .decay = 0}}, ReLU{}, Linear<3>{}};
  const Network<std::remove_const_t<decltype(spec)>, Digits> net(spec);
  CHECK(net.architecture().tensors[1].parameter.rate == 2);
  CHECK(net.architecture().tensors[1].parameter.decay == 0);
  CHECK(net.architecture().tensors[0].parameter.rate == 1);
}
