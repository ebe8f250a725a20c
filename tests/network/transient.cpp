#include <dropnet/models/lenet.hpp>
#include <dropnet/models/vgg.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

/// Predicting in two places gives what a pass that keeps everything gives, with NaN wherever nothing was written.
template <class In, class Spec>
void check_transient(Spec spec) {
  Network<Spec, In> net(spec, Fill{.layers = Gaussian{0.3f}, .bias = Gaussian{0.3f}}, Seed{3});
  Workspace kept(net, 3, Purpose::train), transient(net, 3, Purpose::predict);
  CHECK(transient.activations().size() <= kept.activations().size());
  const auto x = test::random_values<float>(3 * In::size, 1);
  const auto outputs = [&](auto& ws) {
    test::fill(ws.activations(), test::nan);
    const auto y = net.predict(Tensor<In>(3, x), ws);
    return std::vector<float>(y.values().begin(), y.values().end());
  };
  const std::size_t sites = net.shares().size();
  for (std::size_t open = 0; open < (std::size_t(1) << sites); ++open)
    for (const Share share : {Share{1, Mask::unit}, Share{0.4, Mask::unit}, Share{0.5, Mask::bernoulli}}) {
      for (std::size_t k = 0; k < sites; ++k) net.shares()[k] = open >> k & 1 ? share : Share{0, Mask::unit};
      const auto expected = outputs(kept);
      CHECK(std::all_of(expected.begin(), expected.end(), [](float v) { return std::isfinite(v); }));
      CHECK(outputs(transient) == expected);
    }
}

/// Gradients hand on over the values or in two places: right, and with NaN wherever nothing was written.
template <class In, class Spec>
void check_handed_back(Spec spec) {
  const auto sites = std::size_t(plan(spec, In{}).sites);
  const auto check = [&](const std::vector<Share>& shares) {
    test::check_gradients<Spec, In, Reference>(spec, shares, 2, true);
    test::check_values<Spec, In, Cpu, double>(spec, shares, 2, true, 1e-11);
  };
  for (std::size_t open = 0; open < (std::size_t(1) << sites); ++open) {
    std::vector<Share> shares;
    for (std::size_t k = 0; k < sites; ++k) shares.push_back({open >> k & 1 ? 0.6 : 0});
    check(shares);
  }
  check(std::vector<Share>(sites, Share{1}));
}

template <class Spec, class In>
std::size_t places(Spec spec) { return plan(spec, In{}).transient; }

}  // namespace

TEST_CASE("predicting takes two places, and gives the same bytes") {
  using In = Image<2, 8, 8>;
  using C = Conv<4, 3, Pad<1>>;
  check_transient<In>(Sequential<C, ReLU, LRN<3>, C, BatchNorm, Tanh, MaxPool<2>, Linear<5>>{});
  // Planes of several parts, which must not be written over while others are still to be read.
  using Large = Conv<12, 3, Pad<1>>;
  check_transient<Image<12, 40, 40>>(Sequential<Large, ReLU, Large, ReLU, Large, ReLU, ReLU, Large, ReLU, Linear<5>>{});
  check_transient<In>(Sequential<DropInStack<C, Sequential<C, ReLU, C, ReLU>, 2>, ReLU, C, ReLU, Linear<5>>{});
  check_transient<In>(Sequential<DropInStack<C, Sequential<C, ReLU>, 3>, MaxPool<2>, DropIn<Identity, C>, Linear<5>>{});
  check_transient<In>(Sequential<DropIn<C, Sequential<Conv<6, 3>, ReLU, Conv<6, 1>>, Resize<>>, ReLU, Linear<5>>{});
  check_transient<In>(Sequential<C, DropIn<C, Sequential<C, DropIn<C, Sequential<C, ReLU, C>>, ReLU>>, ReLU, Linear<3>>{});
  check_transient<In>(Sequential<C, Add<Identity, Sequential<C, ReLU, C>, C>, ReLU, Concat<Sequential<C, ReLU>, Identity, Sequential<C, C, MaxPool<1>>>, Linear<3>>{});
  check_transient<In>(Sequential<C, Frozen<Sequential<C, ReLU, C>>, Repeat<Sequential<C, Softmax>, 3>, Dropout, Linear<3>>{});
  check_transient<In>(Linear<3>{});
}

/// How many gradients lie anywhere but over the values, beside the network's input and output.
template <class In, class Spec>
std::ptrdiff_t kept_apart(Spec spec, double p) {
  Network<Spec, In> net(spec, Fill{.layers = Gaussian{0.3f}}, Seed{3});
  for (auto& share : net.shares()) share = {p};
  Workspace ws(net, 2, Purpose::train);
  ws.load(test::random_values<float>(2 * In::size, 1));
  net.forward(ws);
  test::fill(ws.diffs(), test::nan);
  test::write(ws.diffs(), ws.output().diff, test::random_values<float>(ws.output().size(), 2));
  net.backward(ws);
  const auto all = test::read(ws.diffs(), ws.diffs().data(), ws.diffs().size());
  return std::count_if(all.begin(), all.end(), [](float v) { return std::isfinite(v); }) - std::ptrdiff_t(ws.output().size());
}

TEST_CASE("a gradient lies over the values that its layer handed on, where nobody else reads them") {
  using In = Image<2, 4, 4>;
  using C = Conv<2, 3, Pad<1>>;
  CHECK(kept_apart<In>(Sequential<C, Tanh, C, LRN<3>, BatchNorm, Dropout, MaxPool<2>, AvgPool<2>, Softmax, Linear<3>, ReLU, Linear<3>>{}, 1) == 0);
  using Grows = Sequential<DropInStack<C, Sequential<C, Tanh>, 3>, Repeat<C, 2>, MaxPool<2>, Linear<3>>;
  CHECK(kept_apart<In>(Grows{}, 1) == 0);
  CHECK(kept_apart<In>(Grows{}, 0) == 0);
  CHECK(kept_apart<In>(Grows{}, 0.5) > 0);
  // A ReLU's backward asks for the sign of what it gave.
  CHECK(kept_apart<In>(Sequential<C, ReLU, C, Linear<3>>{}, 1) == 2 * std::ptrdiff_t(In::size));
}

TEST_CASE("gradients take two places: chains, sites and forks within each other") {
  using In = Image<2, 4, 4>;
  using C = Conv<2, 3, Pad<1>>;
  check_handed_back<In>(Sequential<DropInStack<C, Sequential<C, Tanh>, 3>, DropIn<Identity, Sequential<C, Sigmoid, C>>, Linear<3>>{});
  check_handed_back<In>(Sequential<C, ReLU, C, ReLU, DropInStack<C, Sequential<C, ReLU, C, ReLU>, 2>, Linear<3>>{});
  check_handed_back<In>(Sequential<DropInStack<Sequential<C, Tanh, C>, C, 2>, Linear<3>>{});
  check_handed_back<In>(Sequential<C, DropIn<C, Sequential<C, DropIn<C, Sequential<C, Tanh, C>>, Tanh>>, Tanh, Linear<3>>{});
  check_handed_back<In>(Sequential<DropIn<C, Sequential<Conv<3, 3>, Tanh, Conv<3, 1>>, Resize<>>, LRN<3>, Linear<3>>{});
  check_handed_back<In>(Sequential<C, Add<Identity, Sequential<C, Tanh, C>, Sequential<C, C, C>>, Concat<Sequential<C, Tanh>, Identity, Sequential<C, C, C>>, Linear<3>>{});
  check_handed_back<In>(Add<Sequential<C, Add<C, Sequential<C, BatchNorm, C>>, C>, DropIn<C, Sequential<C, C, C>>>{});
  check_handed_back<In>(Sequential<C, Tanh, C, LRN<3>, BatchNorm, Dropout, C, AvgPool<1>, Softmax, C, LRN<3, WithinChannel>, Resize<3, 3, 5>, MaxPool<2>, Linear<3>>{});
  check_handed_back<In>(Sequential<Sequential<C, ReLU>, MaxPool<2>, Sequential<Linear<4>, ReLU>, Linear<3>>{});
  check_handed_back<In>(Sequential<DropInStack<Sequential<C, ReLU>, Sequential<C, ReLU>, 2>, C, Repeat<Sequential<C, Tanh>, 3>, Repeat<C, 2>, Linear<3>>{});
  check_handed_back<In>(Sequential<C, Frozen<Sequential<C, Tanh, C>>, Repeat<Sequential<C, Softmax>, 3>, Linear<3>>{});
}

TEST_CASE("however deep a network is, predicting takes the same memory") {
  using Deep = models::LeNet<Dynamic, 10, Image<1, 28, 28>, true>;
  constexpr std::size_t link = padded(20 * 24 * 24);
  // Outside, two links of the first stack's size; in each stack two more, and in each of its steps one before the ReLU.
  CHECK(places<Deep::Spec, Deep::Input>(Deep::spec(3)) == 2 * link + 2 * link + link);
  CHECK(places<Deep::Spec, Deep::Input>(Deep::spec(100)) == places<Deep::Spec, Deep::Input>(Deep::spec(3)));
  // So do gradients in training.
  const auto gradients = [](int n) {
    Network<Deep::Spec, Deep::Input> net(Deep::spec(n), Fill{}, Seed{1});
    return Workspace(net, 1, Purpose::train).diffs().size();
  };
  CHECK(gradients(20) == gradients(3));
  CHECK(gradients(3) <= 6 * link);
  const auto vgg = plan(models::Vgg16<>::spec(), models::Vgg16<>::Input{});
  CHECK(vgg.transient <= 4 * padded(64 * 224 * 224));
  CHECK(vgg.activations > 2 * vgg.transient);
}
