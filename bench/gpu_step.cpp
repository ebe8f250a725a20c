// Training steps of LeNet(2N) on a GPU as Trainer does them (batch, forward, loss, backward, SGD), for bench/gpu.
//   bench_gpu_step DEPTH BATCH fp32|tf32 free|deterministic WEIGHTS
// prints the losses of three steps, then the recorded step's nodes and its multiply-adds; then, for each number N read
// from standard input, the milliseconds per step of N steps in a row, which is what a profiler is to look at.
//   bench_gpu_step device
// prints cuDNN's description of the device.

#include <cuda_profiler_api.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dropnet/cuda.hpp>
#include <dropnet/dropnet.hpp>
#include <dropnet/models/lenet.hpp>
#include <dropnet/weights.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace dn = dropnet;

namespace {

void print_device() {
  const dn::cuda::Cudnn cudnn;
  dn::cuda::require_device();
  const auto device = dn::cuda::planning_device(cudnn, 0);
  const auto size = device.count(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR);
  const auto json = device.get<char>(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, size);
  std::cout << std::string(json.begin(), std::find(json.begin(), json.end(), '\0')) << '\n';
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc == 2 && std::string(argv[1]) == "device") {
    print_device();
    return 0;
  }
  if (argc != 6) throw dn::Error("usage: bench_gpu_step DEPTH BATCH fp32|tf32 free|deterministic WEIGHTS, or bench_gpu_step device");
  using Net = dn::Network<dn::models::LeNet<>::Spec, dn::models::LeNet<>::Input, dn::Cuda>;
  Net net(dn::models::LeNet<>::spec(std::atoi(argv[1])));
  const int batch = std::atoi(argv[2]);
  if (!dn::load_weights(net, argv[5]).complete()) throw dn::Error(std::string(argv[5]) + ": not this network's weights");
  Net::workspace ws(net, batch, dn::Purpose::train,
                    dn::Cuda({.precision = std::string(argv[3]) == "tf32" ? dn::Precision::tf32 : dn::Precision::fp32,
                              .deterministic = std::string(argv[4]) == "deterministic"}));
  dn::Solver<Net> solver(net, {.momentum = 0.9f, .weight_decay = 5e-4f});

  // The same made-up images and labels as in bench/gpu.
  std::vector<float> pixels(std::size_t(batch) * 784);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(i * 7919 % 1009) / 1009.0f;
  std::vector<int> labels;
  std::vector<dn::Pick> picks;
  for (int n = 0; n < batch; ++n) {
    labels.push_back(n * 7 % 10);
    picks.push_back({.image = std::uint32_t(n)});
  }
  const auto images = resident(ws.backend(), dn::Dataset::floats(dn::Image<1, 28, 28>{}, pixels, labels));
  const auto step = [&] {
    ws.begin(net, {.training = true, .rate = 0.01});
    ws.pick(picks);
    ws.backend().replay(0, net.shares(), [&] {
      ws.load_picked(images);
      queue_train_pass(net, ws);
      solver.queue_step(net, ws);
    });
  };
  for (int i = 0; i < 3; ++i) {
    step();
    std::printf("%.7f\n", ws.take_tally().mean_loss());
  }
  std::size_t operations = 0;
  bool first = true;
  for (const auto& layer : net.architecture().layers) {
    // Forward, weight gradient and, but for the first layer, the input's gradient.
    operations += layer.multiply_adds * (first ? 2 : 3);
    first = false;
  }
  std::printf("%zu %zu\n", ws.backend().graph_nodes(), operations * std::size_t(batch));
  std::fflush(stdout);
  for (int count; std::cin >> count;) {
    ws.backend().wait();
    cudaProfilerStart();
    const auto began = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) step();
    ws.backend().wait();
    const auto took = std::chrono::steady_clock::now() - began;
    cudaProfilerStop();
    std::printf("%.6f\n", std::chrono::duration<double, std::milli>(took).count() / count);
    std::fflush(stdout);
  }
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
