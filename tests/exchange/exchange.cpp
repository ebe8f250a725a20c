// exchange write NET FILE: random weights into a safetensors file. exchange run NET FILE: the logits of two made-up images with
// the file's weights, a line each. For exchange.py, which does the same in PyTorch.

#include <cstdio>
#include <cstring>
#include <dropnet/models/cifar10.hpp>
#include <dropnet/models/lenet.hpp>
#include <dropnet/models/vgg.hpp>
#include <dropnet/predict.hpp>
#include <string>

namespace dn = dropnet;
namespace models = dropnet::models;

namespace {

template <class Input, class Spec>
int exchange(const Spec& spec, const std::string& what, const std::string& file) {
  dn::Network<Spec, Input> net(spec, dn::Fill{.layers = dn::Msra{}, .bias = dn::Gaussian{0.1f}}, dn::Seed{1});
  if (what == "write") {
    dn::save_weights(net, file);
    return 0;
  }
  const auto loaded = dn::load_weights(net, file);
  if (!loaded.complete() || !loaded.unused.empty()) {
    std::fprintf(stderr, "exchange: %s: not this network's weights\n", file.c_str());
    return 1;
  }
  dn::Tensor<Input> images(2);
  for (std::size_t i = 0; i < images.values().size(); ++i) images.data()[i] = float(i * 7919 % 1009) / 1009;
  const auto y = net.predict(images);
  for (int n = 0; n < 2; ++n) {
    for (const float v : y.sample(n)) std::printf("%.9g ", double(v));
    std::printf("\n");
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4) return 2;
  const std::string what = argv[1], net = argv[2], file = argv[3];
  using Small = dn::Image<3, 32, 32>;
  if (net == "lenet") return exchange<dn::Image<1, 28, 28>>(models::LeNet<1>::spec(), what, file);
  if (net == "lenet6") return exchange<dn::Image<1, 28, 28>>(models::LeNet<dn::Dynamic>::spec(3), what, file);
  if (net == "cifar10") return exchange<Small>(models::Cifar10<>::spec(), what, file);
  if (net == "cifar10-deep") return exchange<Small>(models::Cifar10Deep<>::spec(), what, file);
  if (net == "cifar10-deep-pooled") return exchange<Small>(models::Cifar10DeepPooled<>::spec(), what, file);
  if (net == "vgg8") return exchange<Small>(dn::Shallow<models::Vgg16<10, Small>::Spec, Small>{}, what, file);
  return 2;
} catch (const std::exception& e) {
  std::fprintf(stderr, "exchange: %s\n", e.what());
  return 1;
}
