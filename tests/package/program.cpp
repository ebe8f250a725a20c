// What a user writes: every way of use must compile, link and run it.
#include <dropnet/dropnet.hpp>

#include <cstdio>

int main() {
  namespace dn = dropnet;
  dn::Network<dn::Sequential<dn::DropIn<dn::Conv<4, 3>, dn::Conv<4, 3, dn::Pad<1>>>, dn::Linear<3>>, dn::Image<1, 6, 6>> net;
  std::vector<float> pixels(6 * 36);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = float(i % 7) / 7;
  const auto data = dn::Dataset::floats(dn::Image<1, 6, 6>{}, pixels, {0, 1, 2, 0, 1, 2});
  dn::Trainer trainer{net, dn::Sgd{.momentum = 0.9f}, dn::Fixed{0.01f}, dn::Gradual{.start = 0, .length = 5}};
  trainer.fit(data, {.batch = 3, .iterations = 10}, dropnet::Cpu(2));
  std::printf("loss %.4f\n", dn::evaluate(net, data).loss);
}
