// A trained body under a new head: takes a model.safetensors of `mnist train --depth 1`, keeps its layers as they are, and
// teaches a new last layer to tell odd digits from even ones; then lets the whole network go on at a tenth of the rate.

#include <dropnet/dropnet.hpp>
#include <dropnet/weights.hpp>
#include <iostream>

namespace dn = dropnet;

using Input = dn::Image<1, 28, 28>;
using Body = dn::Sequential<dn::Conv<20, 5>, dn::MaxPool<2>, dn::Conv<50, 5>, dn::MaxPool<2>, dn::Linear<500>, dn::ReLU>;

/// The same images; the label is 1 for an odd digit.
dn::Dataset odd_or_even(const dn::Dataset& digits) {
  std::vector<int> labels;
  for (const int digit : digits.labels()) labels.push_back(digit % 2);
  return dn::Dataset::bytes(Input{}, digits.bytes(), labels, digits.scale());
}

int main(int argc, char** argv) try {
  if (argc < 2) {
    std::cerr << "usage: finetune MODEL.safetensors [MNIST_FOLDER]\n";
    return 2;
  }
  const auto mnist = dn::load_mnist(argc > 2 ? argv[2] : "data/mnist-sample");
  const auto train = odd_or_even(mnist.train), test = odd_or_even(mnist.test);

  // Frozen<Body> has Body's names: what is in the file fits, but for the last layer, which is ours.
  dn::Network<dn::Sequential<dn::Frozen<Body>, dn::Linear<2>>, Input> head;
  const auto loaded = dn::load_weights(head, argv[1]);
  for (const auto& line : loaded.unfitting) std::cout << "stays as it was filled: " << line << '\n';
  if (loaded.copied.size() != 6) {
    std::cerr << "finetune: " << argv[1] << ": not a LeNet's weights\n";
    return 1;
  }
  dn::Trainer first{head, dn::Sgd{.momentum = 0.9f}, dn::Fixed{0.01f}};
  first.fit(train, {.iterations = 100}, dn::Cpu::standard());
  std::cout << "new head alone: accuracy " << dn::evaluate(head, test).accuracy << '\n';

  // The same weights without Frozen: all of them are trained.
  dn::Network<dn::Sequential<Body, dn::Linear<2>>, Input> whole;
  whole.weights() = head.weights();
  dn::Trainer second{whole, dn::Sgd{.momentum = 0.9f}, dn::Fixed{0.001f}};
  second.fit(train, {.iterations = 100}, dn::Cpu::standard());
  std::cout << "the whole network: accuracy " << dn::evaluate(whole, test).accuracy << '\n';
} catch (const std::exception& e) {
  std::cerr << "finetune: " << e.what() << '\n';
  return 1;
}
