// One training step (forward, loss, backward, SGD) of LeNet(2N), for bench/compare.
//   bench_step DEPTH BATCH THREADS WEIGHTS
// prints the losses of three steps, then, for each number N read from standard input, the milliseconds of N steps.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dropnet/dropnet.hpp>
#include <dropnet/models/lenet.hpp>
#include <dropnet/weights.hpp>
#include <iostream>
#include <vector>

namespace dn = dropnet;

int main(int argc, char** argv) try {
  if (argc != 5) throw dn::Error("usage: bench_step DEPTH BATCH THREADS WEIGHTS");
  using Net = dn::Network<dn::models::LeNet<>::Spec, dn::models::LeNet<>::Input>;
  Net net(dn::models::LeNet<>::spec(std::atoi(argv[1])));
  const int batch = std::atoi(argv[2]);
  if (!dn::load_weights(net, argv[4]).complete()) throw dn::Error(std::string(argv[4]) + ": not this network's weights");
  Net::workspace ws(net, batch, dn::Purpose::train, dn::Cpu(std::atoi(argv[3])));
  dn::Solver<Net> solver(net, {.momentum = 0.9f, .weight_decay = 5e-4f});

  // The same made-up images and labels as in bench/compare.
  std::vector<float> images(std::size_t(batch) * 784);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = float(i * 7919 % 1009) / 1009.0f;
  std::vector<int> labels;
  for (int n = 0; n < batch; ++n) labels.push_back(n * 7 % 10);
  const auto step = [&] {
    ws.load(images);
    ws.load_labels(labels);
    const double loss = dn::train_pass(net, ws, 0, {});
    solver.step(net, ws, 0.01);
    return loss;
  };
  for (int i = 0; i < 3; ++i) std::printf("%.7f\n", step());
  std::fflush(stdout);
  for (int count; std::cin >> count;) {
    for (int i = 0; i < count; ++i) {
      const auto began = std::chrono::steady_clock::now();
      step();
      std::printf("%.4f\n", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    }
    std::fflush(stdout);
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
