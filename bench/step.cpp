// What bench/compare times of dropnet:
//   bench_step NET BATCH THREADS WEIGHTS
// NET is lenet:N, cifar10-deep-pooled, vgg16 (64 pixels, 10 classes, no dropout), alexnet, alexnet13, conv:64:128:56, conv:256:256:28,
// conv1:256:64:28, conv3s2:256:512:14, conv3d2:64:64:28, conv11:96:96:55, conv11s4:3:96:227, conv5g2:96:256:27 or linear:4096:4096. Then
// it takes commands from standard input and answers each with N lines, in milliseconds if not said otherwise:
//   losses N     of N training steps, not the times
//   step N       forward, loss, backward, SGD
//   forward N, backward N
//   predict N    one image
//   sums N       the sum of squares of the output, the input's gradient and the weights' after a forward and a backward pass (N times)
//   peak N       the multiply-adds in registers of one core, in GFLOP/s

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <dropnet/dropnet.hpp>
#include <dropnet/models/alexnet.hpp>
#include <dropnet/models/cifar10.hpp>
#include <dropnet/models/lenet.hpp>
#include <dropnet/models/vgg.hpp>
#include <dropnet/weights.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace dn = dropnet;
namespace models = dropnet::models;

namespace {

template <class Work>
double milliseconds(Work work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

/// Of fused multiply-adds that only registers feed.
double peak() {
  namespace lanes = dn::lanes;
  constexpr int chains = 12, rounds = 2'000'000;
  auto factor = lanes::all(0.999f);
  lanes::Packet<float> sums[chains];
  for (auto& s : sums) s = lanes::all(1.0f);
  const double ms = milliseconds([&] {
    for (int i = 0; i < rounds; ++i)
      for (auto& s : sums) s = lanes::fma(s, factor, factor);
  });
  float seen = 0;
  for (const auto& s : sums) seen += lanes::sum(s);
  return seen > 0 ? 2e-6 * rounds * chains * lanes::width<float> / ms : 0;
}

/// A block of AlexNet (13 layers), fully grown.
template <int Filters, int Kernel, int Groups, class Option>
using Doubled = dn::Sequential<dn::Conv<Filters, Kernel, Option, dn::Groups<Groups>>, dn::ReLU, dn::Conv<Filters, Kernel, dn::Pad<Kernel / 2>, dn::Groups<Groups>>, dn::ReLU>;

template <class Input, class Spec>
void serve(const Spec& spec, int batch, int threads, const char* weights) {
  using Net = dn::Network<Spec, Input>;
  Net net(spec);
  if (!dn::load_weights(net, weights).complete()) throw dn::Error(std::string(weights) + ": not this network's weights");
  typename Net::workspace ws(net, batch, dn::Purpose::train, dn::Cpu(threads));
  typename Net::workspace one(net, 1, dn::Purpose::predict, dn::Cpu(threads));
  dn::Solver<Net> solver(net, {.momentum = 0.9f, .weight_decay = 5e-4f});

  // The same made-up images and labels as in bench/compare.
  std::vector<float> images(std::size_t(batch) * Input::size);
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
  const auto squares = [](const float* values, std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum += double(values[i]) * double(values[i]);
    return sum;
  };

  int count = 0;
  for (std::string what; std::cin >> what >> count; std::fflush(stdout))
    for (int i = 0; i < count; ++i) {
      if (what == "losses") {
        std::printf("%.7f\n", step());
      } else if (what == "step") {
        std::printf("%.4f\n", milliseconds(step));
      } else if (what == "peak") {
        std::printf("%.1f\n", peak());
      } else if (what == "predict") {
        std::printf("%.4f\n", milliseconds([&] {
          one.load({images.data(), Input::size});
          net.forward(one, {});
        }));
      } else if (what == "forward" || what == "backward" || what == "sums") {
        ws.load(images);
        ws.input_gradient = true;
        const auto y = ws.output();
        const double forward = milliseconds([&] { net.forward(ws, {.training = true}); });
        for (std::size_t k = 0; k < y.size(); ++k) y.diff[k] = images[k % images.size()];
        const double backward = milliseconds([&] { net.backward(ws); });
        if (what == "sums")
          std::printf("%.9g %.9g %.9g\n", squares(y.data, y.size()), squares(ws.input().diff, images.size()),
                      squares(ws.gradients().data(), net.architecture().tensors[0].size));
        else
          std::printf("%.4f\n", what == "forward" ? forward : backward);
      }
    }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 5) throw dn::Error("usage: bench_step NET BATCH THREADS WEIGHTS");
  const std::string net = argv[1];
  const int batch = std::atoi(argv[2]), threads = std::atoi(argv[3]);
  using Vgg = models::Vgg16<10, dn::Image<3, 64, 64>>;
  using VggWithoutDropout = dn::Sequential<Vgg::Block<64, 1>, dn::MaxPool<2>, Vgg::Block<128, 1>, dn::MaxPool<2>, Vgg::Block<256, 2>, dn::MaxPool<2>, Vgg::Block<512, 2>,
                                           dn::MaxPool<2>, Vgg::Block<512, 2>, dn::MaxPool<2>, dn::Linear<4096>, dn::ReLU, dn::Linear<4096>, dn::ReLU, dn::Linear<10>>;
  // CaffeNet, which Table 4's shallow AlexNet is; without dropout too.
  using Pool = dn::MaxPool<3, dn::Stride<2>>;
  constexpr dn::LRN<5> norm{.alpha = 1e-4};
  constexpr dn::Sequential alexnet{dn::Conv<96, 11, dn::Stride<4>>{}, dn::ReLU{}, Pool{}, norm, dn::Conv<256, 5, dn::Pad<2>, dn::Groups<2>>{}, dn::ReLU{}, Pool{}, norm,
                                   dn::Conv<384, 3, dn::Pad<1>>{}, dn::ReLU{}, dn::Conv<384, 3, dn::Pad<1>, dn::Groups<2>>{}, dn::ReLU{},
                                   dn::Conv<256, 3, dn::Pad<1>, dn::Groups<2>>{}, dn::ReLU{}, Pool{}, dn::Linear<4096>{}, dn::ReLU{}, dn::Linear<4096>{}, dn::ReLU{},
                                   dn::Linear<1000>{}};
  constexpr dn::Sequential alexnet13{Doubled<96, 11, 1, dn::Stride<4>>{}, Pool{}, norm, Doubled<256, 5, 2, dn::Pad<2>>{}, Pool{}, norm, Doubled<384, 3, 1, dn::Pad<1>>{},
                                     Doubled<384, 3, 2, dn::Pad<1>>{}, Doubled<256, 3, 2, dn::Pad<1>>{}, Pool{}, dn::Linear<4096>{}, dn::ReLU{}, dn::Linear<4096>{}, dn::ReLU{},
                                     dn::Linear<1000>{}};
  if (net.rfind("lenet:", 0) == 0)
    serve<models::LeNet<>::Input>(models::LeNet<>::spec(std::atoi(net.c_str() + 6)), batch, threads, argv[4]);
  else if (net == "cifar10-deep-pooled")
    serve<models::Cifar10DeepPooled<>::Input>(models::Cifar10DeepPooled<>::spec(), batch, threads, argv[4]);
  else if (net == "vgg16")
    serve<Vgg::Input>(VggWithoutDropout{}, batch, threads, argv[4]);
  else if (net == "alexnet")
    serve<models::AlexNet<>::Input>(alexnet, batch, threads, argv[4]);
  else if (net == "alexnet13")
    serve<models::AlexNet<>::Input>(alexnet13, batch, threads, argv[4]);
  else if (net == "conv:64:128:56")
    serve<dn::Image<64, 56, 56>>(dn::Conv<128, 3, dn::Pad<1>>{}, batch, threads, argv[4]);
  else if (net == "conv:256:256:28")
    serve<dn::Image<256, 28, 28>>(dn::Conv<256, 3, dn::Pad<1>>{}, batch, threads, argv[4]);
  else if (net == "conv1:256:64:28")
    serve<dn::Image<256, 28, 28>>(dn::Conv<64, 1>{}, batch, threads, argv[4]);
  else if (net == "conv3s2:256:512:14")
    serve<dn::Image<256, 14, 14>>(dn::Conv<512, 3, dn::Stride<2>, dn::Pad<1>>{}, batch, threads, argv[4]);
  else if (net == "conv3d2:64:64:28")
    serve<dn::Image<64, 28, 28>>(dn::Conv<64, 3, dn::Dilation<2>, dn::Pad<2>>{}, batch, threads, argv[4]);
  else if (net == "conv11:96:96:55")
    serve<dn::Image<96, 55, 55>>(dn::Conv<96, 11, dn::Pad<5>>{}, batch, threads, argv[4]);
  else if (net == "conv11s4:3:96:227")
    serve<dn::Image<3, 227, 227>>(dn::Conv<96, 11, dn::Stride<4>>{}, batch, threads, argv[4]);
  else if (net == "conv5g2:96:256:27")
    serve<dn::Image<96, 27, 27>>(dn::Conv<256, 5, dn::Pad<2>, dn::Groups<2>>{}, batch, threads, argv[4]);
  else if (net == "linear:4096:4096")
    serve<dn::Image<4096, 1, 1>>(dn::Linear<4096>{}, batch, threads, argv[4]);
  else
    throw dn::Error("bench_step: " + net + ": no such net");
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
