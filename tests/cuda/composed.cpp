// The CUDA backend beside the Reference on made-up networks, which network/composed.py composes of all layers.

#include <dropnet/cuda.hpp>

#include "../support/composed.hpp"

using namespace dropnet;

namespace {

/// The weights after a few iterations of growth.
template <class Spec, class In, class Backend>
std::vector<float> trained(Backend backend, const Growth& growth, int workers = 0) {
  Network<Spec, In, Backend> net(test::made_up_fill, Seed{1});
  Trainer trainer{net, Sgd{.momentum = 0.9f, .weight_decay = 0.01f}, Fixed{0.001f}, growth};
  trainer.fit(test::made_up_data<Spec, In>(30), {.batch = 7, .iterations = 8, .workers = workers}, std::move(backend));
  return test::weights(net);
}

template <class In, class Spec>
void obeys(unsigned seed) {
  std::mt19937 random(seed);
  for (int round = 0; round < 3; ++round) {
    const auto shares = test::made_up_shares(Network<Spec, In>().shares().size(), random);
    CAPTURE(test::text(shares));
    const int batch = 2 + int(random() % 6);
    CHECK(test::distance(test::gradients<Spec, In, float>(Cuda(), shares, batch), test::gradients<Spec, In, double>(Reference{}, shares, batch)) < 1e-3);
  }
  for (const Growth& growth : test::growths) {
    const auto weights = trained<Spec, In>(Cuda({.deterministic = true}), growth);
    CHECK(test::distance(weights, trained<Spec, In>(Cpu(1), growth)) < 1e-3);
    CHECK(trained<Spec, In>(Cuda({.deterministic = true, .graphs = false}), growth) == weights);
    CHECK(trained<Spec, In>(Cuda({.deterministic = true}), growth, 2) == weights);
  }
}

}  // namespace

#define NETWORK(seed, ...) \
  TEST_CASE("network " #seed) { obeys<__VA_ARGS__>(seed); }
#include "composed.hpp"
