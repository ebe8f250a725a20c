#include <nlohmann/json.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

using In = Image<2, 6, 6>;
using C = Conv<4, 3, Pad<1>>;

/// "conv1_1:input relu1:conv1_1 ..."
template <class Net>
std::string wiring(const Net& net) {
  const auto& layers = net.architecture().layers;
  std::string text;
  for (const auto& l : layers) {
    text += (text.empty() ? "" : " ") + l.name + ":";
    for (std::size_t k = 0; k < l.inputs.size(); ++k)
      text += (k ? "," : "") + (l.inputs[k] < 0 ? std::string("input") : layers[std::size_t(l.inputs[k])].name);
  }
  return text;
}

}  // namespace

TEST_CASE("each layer knows where its inputs come from") {
  CHECK(wiring(Network<Sequential<C, ReLU, Linear<2>>, In>()) == "conv1_1:input relu1:conv1_1 fc2:relu1");
  CHECK(wiring(Network<Sequential<DropInStack<C, Sequential<C, ReLU>, 2>, Linear<2>>, In>()) ==
        "conv1_1:input conv1_2:conv1_1 relu1:conv1_2 dropin1_2:conv1_1,relu1 conv1_3:dropin1_2 relu1_2:conv1_3 dropin1_3:dropin1_2,relu1_2 fc2:dropin1_3");
  CHECK(wiring(Network<Sequential<DropIn<C, Conv<6, 1>, Resize<>>, Linear<2>>, In>()) ==
        "conv1_1:input resize1:conv1_1 conv1_2:conv1_1 dropin1_2:resize1,conv1_2 fc2:dropin1_2");
  CHECK(wiring(Network<Sequential<C, Add<Identity, Sequential<ReLU, C>>, Concat<C, ReLU>>, In>()) ==
        "conv1_1:input relu1:conv1_1 conv2_1:relu1 add2:conv1_1,conv2_1 conv3_1:add2 relu3:add2 concat3:conv3_1,relu3");
  CHECK(wiring(Network<Sequential<C, DropIn<Identity, Sequential<C, DropIn<C, C>>>>, In>()).find("dropin") != std::string::npos);
}

TEST_CASE("summary as JSON and for Graphviz") {
  Network<Sequential<DropIn<C, Sequential<C, DropIn<Identity, C>>>, Linear<2>>, In> net;
  net.shares()[0] = {0.25, Mask::channel};
  const auto json = nlohmann::json::parse(summary_json(net));
  CHECK(json["input"] == nlohmann::json{2, 6, 6});
  CHECK(json["parameters"] == net.extent().parameters);
  CHECK(json["layers"].size() == net.architecture().layers.size());
  CHECK(json["layers"][0]["name"] == "conv1_1");
  CHECK(json["layers"][0]["inputs"] == nlohmann::json{-1});
  CHECK(json["sites"][0]["p"] == 0.25);
  CHECK(json["sites"][0]["mask"] == "channel");
  CHECK(json["sites"][1]["parent"] == 0);
  CHECK(json["fingerprint"] == fingerprint(net.architecture()));
  CHECK(nlohmann::json::parse(summary_json(Network<Linear<2>, In>()))["sites"].empty());

  const std::string dot = summary_dot(net);
  CHECK(std::count(dot.begin(), dot.end(), '{') == std::count(dot.begin(), dot.end(), '}'));
  CHECK(dot.find("subgraph cluster1") > dot.find("subgraph cluster0"));
  CHECK(dot.find("l0 -> l4 [label=\"q = 0.75\", style=dashed]") != std::string::npos);
  CHECK(dot.find("l3 -> l4 [label=\"p = 0.25\"]") != std::string::npos);
}

TEST_CASE("a fingerprint tells networks apart by what shapes them") {
  const auto of = [](const auto& net) { return fingerprint(net.architecture()); };
  const auto one = of(Network<Sequential<C, ReLU, Linear<2>>, In>());
  CHECK(one.size() == 16);
  CHECK(one == of(Network<Sequential<C, ReLU, Linear<2>>, In>(Fill{}, Seed{9})));
  CHECK(one != of(Network<Sequential<C, Tanh, Linear<2>>, In>()));
  CHECK(one != of(Network<Sequential<C, ReLU, Linear<3>>, In>()));
  CHECK(one != of(Network<Sequential<C, ReLU, Linear<2>>, Image<2, 7, 6>>()));
  CHECK(one != of(Network<Sequential<DropIn<Identity, Sequential<Conv<2, 3, Pad<1>>, ReLU>>, Linear<2>>, In>()));
}
