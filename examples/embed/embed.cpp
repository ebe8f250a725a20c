// A trained network inside another program: loads a model.safetensors of `mnist train --depth 5` and says which digit an
// image file shows. Nothing of training is compiled in.

#include <algorithm>
#include <dropnet/image.hpp>
#include <dropnet/predict.hpp>
#include <iostream>

namespace dn = dropnet;

using Input = dn::Image<1, 28, 28>;
using LeNet10 = dn::Sequential<dn::DropInStack<dn::Conv<20, 5>, dn::Conv<20, 3, dn::Pad<1>>, 4>, dn::MaxPool<2>,
                               dn::DropInStack<dn::Conv<50, 5>, dn::Conv<50, 3, dn::Pad<1>>, 4>, dn::MaxPool<2>,
                               dn::Linear<500>, dn::ReLU, dn::Linear<10>, dn::Softmax>;

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: embed MODEL.safetensors IMAGE\n";
    return 2;
  }
  dn::Network<LeNet10, Input> net(LeNet10{}, dn::Network<LeNet10, Input>::no_fill);
  if (const auto loaded = dn::load_weights(net, argv[1]); !loaded.complete()) {
    std::cerr << "embed: " << argv[1] << ": not a LeNet(10)'s weights\n";
    return 1;
  }
  const auto picture = dn::load_image(argv[2], Input::channels, Input::height, Input::width);
  dn::Tensor<Input> image(1);
  std::transform(picture.bytes.begin(), picture.bytes.end(), image.data(), [](auto byte) { return float(byte) / 256; });
  const auto probabilities = net.predict(image);
  const auto digit = std::max_element(probabilities.values().begin(), probabilities.values().end());
  std::cout << digit - probabilities.values().begin() << " (probability " << *digit << ")\n";
} catch (const std::exception& e) {
  std::cerr << "embed: " << e.what() << '\n';
  return 1;
}
