// What bench/compare times of dlib:
//   bench_dlib_step NET BATCH WEIGHTS
// NET is lenet:1 or lenet:5; commands, answers, weights, images and labels are bench_step's, of its commands losses, step and predict.

#include <dlib/dnn.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dropnet/files/safetensors.hpp>
#include <iostream>
#include <string>
#include <vector>

namespace {

template <int Filters, int Kernel, int Pad, class Below>
using Conv = dlib::add_layer<dlib::con_<Filters, Kernel, Kernel, 1, 1, Pad, Pad>, Below>;
template <class Below>
using Pool = dlib::max_pool<2, 2, 2, 2, Below>;
template <int Filters, class Below>
using Four = Conv<Filters, 3, 1, Conv<Filters, 3, 1, Conv<Filters, 3, 1, Conv<Filters, 3, 1, Below>>>>;
template <class Below>
using Top = dlib::loss_multiclass_log<dlib::fc<10, dlib::relu<dlib::fc<500, Below>>>>;
using Images = dlib::input<dlib::matrix<float>>;
using LeNet = Top<Pool<Conv<50, 5, 0, Pool<Conv<20, 5, 0, Images>>>>>;
using LeNet10 = Top<Pool<Four<50, Conv<50, 5, 0, Pool<Four<20, Conv<20, 5, 0, Images>>>>>>>;

/// Weights by name: dlib's layers come from the last to the first.
class Weights {
 public:
  Weights(const char* path, int n) : file_(path), names_{"fc4", "fc3"} {
    for (const char* block : {"conv2_", "conv1_"})
      for (int k = n; k >= 1; --k) names_.push_back(block + std::to_string(k));
  }
  template <class Layer>
  void operator()(std::size_t, Layer& layer) {
    if constexpr (requires { layer.set_bias_weight_decay_multiplier(1); }) {
      layer.set_bias_weight_decay_multiplier(1);  // dlib's is 0 unless told
      const std::string name = names_.at(at_++);
      const auto w = read(name + ".weight"), b = read(name + ".bias");
      auto& to = layer.get_layer_params();
      if (w.size() + b.size() != to.size()) throw std::runtime_error("bench_dlib_step: " + name + " does not fit");
      float* values = to.host();
      if constexpr (requires { layer.get_num_outputs(); }) {  // fully connected: dlib's are [input][output]
        const std::size_t outputs = b.size(), inputs = w.size() / outputs;
        for (std::size_t o = 0; o < outputs; ++o)
          for (std::size_t i = 0; i < inputs; ++i) values[i * outputs + o] = w[o * inputs + i];
      } else {
        std::copy(w.begin(), w.end(), values);
      }
      std::copy(b.begin(), b.end(), values + w.size());
    }
  }

 private:
  std::vector<float> read(const std::string& name) { return file_.values<float>(file_.tensors.at(name)); }
  dropnet::detail::Safetensors file_;
  std::vector<std::string> names_;
  std::size_t at_ = 0;
};

template <class Net>
void serve(int n, int batch, const char* path) {
  Net net;
  std::vector<dlib::matrix<float>> pixels(std::size_t(batch), dlib::matrix<float>(28, 28));
  std::size_t i = 0;
  for (auto& image : pixels)
    for (float& pixel : image) pixel = float(i++ * 7919 % 1009) / 1009.0f;
  dlib::resizable_tensor images, one;
  net.to_tensor(pixels.begin(), pixels.begin() + 1, one);
  net.to_tensor(pixels.begin(), pixels.end(), images);
  std::vector<unsigned long> labels;
  for (int k = 0; k < batch; ++k) labels.push_back(static_cast<unsigned long>(k * 7 % 10));
  net.forward(images);  // makes the weights
  dlib::visit_computational_layers(net, [weights = Weights(path, n), k = std::size_t(0)](auto& layer) mutable { weights(k++, layer); });
  std::vector<dlib::sgd> solvers(net.num_computational_layers, dlib::sgd(5e-4f, 0.9f));
  const auto step = [&] {
    const double loss = net.compute_parameter_gradients(images, labels.begin());
    net.update_parameters(solvers, 0.01);
    return loss;
  };
  int count = 0;
  for (std::string what; std::cin >> what >> count; std::fflush(stdout))
    for (int k = 0; k < count; ++k) {
      const auto began = std::chrono::steady_clock::now();
      double loss = 0;
      if (what == "predict")
        net.forward(one);
      else
        loss = step();
      const double ms = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
      std::printf("%.7f\n", what == "losses" ? loss : ms);
    }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) throw std::runtime_error("usage: bench_dlib_step NET BATCH WEIGHTS");
  const std::string net = argv[1];
  const int batch = std::atoi(argv[2]);
  if (net == "lenet:1")
    serve<LeNet>(1, batch, argv[3]);
  else if (net == "lenet:5")
    serve<LeNet10>(5, batch, argv[3]);
  else
    throw std::runtime_error("bench_dlib_step: " + net + ": no such net");
} catch (const std::exception& e) {
  std::cerr << e.what() << '\n';
  return 1;
}
