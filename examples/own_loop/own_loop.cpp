// Training without Trainer: a growth rule that looks at the loss. Each site opens when the loss has stopped falling, and then
// ramps over 60 iterations; everything else is the library's.

#include <dropnet/dropnet.hpp>
#include <iostream>

namespace dn = dropnet;

using Input = dn::Image<1, 28, 28>;
using Stack = dn::DropInStack<dn::Conv<8, 5>, dn::Sequential<dn::Conv<8, 3, dn::Pad<1>>, dn::ReLU>, 3>;
using Net = dn::Network<dn::Sequential<Stack, dn::MaxPool<2>, dn::Linear<64>, dn::ReLU, dn::Linear<10>>, Input>;

int main(int argc, char** argv) try {
  const auto mnist = dn::load_mnist(argc > 1 ? argv[1] : "data/mnist-sample");
  constexpr dn::Seed seed{1};
  constexpr std::int64_t ramp = 60;
  Net net(dn::Fill{.layers = dn::Xavier{}}, seed);
  dn::Workspace ws{net, 32, dn::Purpose::train, dn::Cpu::standard()};
  dn::Solver<Net> solver{net, {.momentum = 0.9f, .weight_decay = 5e-4f}};
  dn::Batches batches{mnist.train, 32, seed};

  std::vector<std::int64_t> opened;  // when each site that is open was opened
  double slow = 2.3, fast = 2.3;     // the loss, averaged over about 50 and 20 iterations
  for (std::int64_t t = 0; t < 600; ++t) {
    const bool waits = opened.empty() || t - opened.back() >= ramp;
    if (opened.size() < net.shares().size() && waits && fast > 0.9 * slow && t > 40) {
      opened.push_back(t);
      std::cout << "iteration " << t << ": loss " << fast << ", site " << opened.size() - 1 << " opens\n";
    }
    for (std::size_t k = 0; k < net.shares().size(); ++k)
      net.shares()[k] = {k < opened.size() ? dn::ramp(t, opened[k], ramp) : 0, dn::Mask::channel};

    batches.load(std::uint64_t(t), ws);
    const double loss = dn::train_pass(net, ws, t, seed);
    solver.step(net, ws, 0.01);
    slow += 0.02 * (loss - slow);
    fast += 0.05 * (loss - fast);
  }
  const auto result = dn::evaluate(net, mnist.test);
  std::cout << opened.size() << " of " << net.shares().size() << " sites open, accuracy " << result.accuracy << '\n';
} catch (const std::exception& e) {
  std::cerr << "own_loop: " << e.what() << '\n';
  return 1;
}
