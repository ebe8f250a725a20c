// What a growing network's steps cost beside the full network's: LeNet(10) averaged over a ramp, all sites at once, by unit and by
// channel; LeNet(50) opening site by site, from the first iteration to the end of its last ramp.
//   bench_growth [BATCH] [THREADS]

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dropnet/dropnet.hpp>
#include <dropnet/models/lenet.hpp>
#include <iostream>
#include <vector>

namespace dn = dropnet;
using Model = dn::models::LeNet<>;
using Net = dn::Network<Model::Spec, Model::Input>;

namespace {

/// A network with everything that a step needs.
struct Steps {
  Net net;
  Net::workspace ws;
  dn::Solver<Net> solver;

  Steps(int depth, int batch, int threads)
      : net(Model::spec(depth)), ws(net, batch, dn::Purpose::train, dn::Cpu(threads)), solver(net, {.momentum = 0.9f, .weight_decay = 5e-4f}) {
    std::vector<float> images(std::size_t(batch) * Net::input::size);
    for (std::size_t i = 0; i < images.size(); ++i) images[i] = float(i * 7919 % 1009) / 1009.0f;
    std::vector<int> labels;
    for (int n = 0; n < batch; ++n) labels.push_back(n * 7 % 10);
    ws.load(images);
    ws.load_labels(labels);
  }
  /// Milliseconds of a step at iteration t of a schedule; the rate is small, or the weights would run away.
  double at(const dn::Growth& growth, std::int64_t t) {
    dn::grow(net.shares(), growth, t);
    const auto began = std::chrono::steady_clock::now();
    dn::train_pass(net, ws, t, dn::Seed{1});
    solver.step(net, ws, 1e-5);
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
  }
};

void measure(const char* what, int depth, int batch, int threads, const dn::Growth& growth, std::int64_t iterations, int points, double aim) {
  Steps steps(depth, batch, threads);
  for (int i = 0; i < 3; ++i) steps.at(dn::Grown{}, 0);
  constexpr int rounds = 5;
  std::vector<double> ratios;
  double full_ms = 0;
  for (int round = 0; round < rounds; ++round) {
    double grown = 0, full = 0;
    for (int k = 0; k < points; ++k) {  // in turn, so that what else the machine does meets both
      grown += steps.at(growth, (2 * k + 1) * iterations / (2 * points));
      full += steps.at(dn::Grown{}, 0);
    }
    ratios.push_back(grown / full);
    full_ms = full / points;
  }
  std::sort(ratios.begin(), ratios.end());
  std::printf("%-44s %d threads  %.2f of the full step (%.2f to %.2f), %.2f ms; the multiply-adds' share %.2f; aim %.2f\n", what, threads, ratios[rounds / 2], ratios.front(),
              ratios.back(), full_ms, dn::mean_work(steps.net.architecture(), growth, 0, iterations), aim);
}

}  // namespace

int main(int argc, char** argv) try {
  const int batch = argc > 1 ? std::atoi(argv[1]) : 64, threads = argc > 2 ? std::atoi(argv[2]) : 1;
  measure("LeNet(10), all sites at once, by channel", 5, batch, threads, dn::Gradual{0, 1000, dn::Mask::channel}, 1000, 20, 0.68);
  measure("LeNet(10), all sites at once, by unit", 5, batch, threads, dn::Gradual{0, 1000, dn::Mask::unit}, 1000, 20, 0.68);
  measure("LeNet(50), one after the other, by unit", 25, batch, threads, dn::Staggered{0, 150, 35, dn::Mask::unit}, 47 * 35 + 150, 12, 0.6);
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
