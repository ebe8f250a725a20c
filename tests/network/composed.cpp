// What holds for every network, tried on made-up ones, which composed.py composes of all layers.

#include <dropnet/checkpoint.hpp>
#include <filesystem>
#include <utility>

#include "../support/composed.hpp"

using namespace dropnet;

namespace {

template <class In, class Spec>
void obeys(unsigned seed) {
  std::mt19937 random(seed);
  Network<Spec, In> net(test::made_up_fill, Seed{1});

  for (int round = 0; round < 2; ++round) {
    const auto shares = test::made_up_shares(net.shares().size(), random);
    CAPTURE(test::text(shares));
    const int few = 2 + int(random() % 6), many = 33 + int(random() % 40);
    const bool training = random() % 3 != 0;
    test::check_gradients<Spec, In, Reference>(Spec{}, shares, few, training);
    test::check_gradients<Spec, In, Cpu>(Spec{}, shares, few, training);
    const auto in_double = [&](Cpu cpu, int batch) { return test::gradients<Spec, In, double>(std::move(cpu), shares, batch); };
    const auto in_float = [&](Cpu cpu, int batch) { return test::gradients<Spec, In, float>(std::move(cpu), shares, batch); };
    const auto expected = test::gradients<Spec, In, double>(Reference{}, shares, few);
    CHECK(test::distance(in_double(Cpu(2), few), expected) < 1e-11);
    CHECK(test::distance(in_float(Cpu(2), few), expected) < 1e-3);

    // A batch in slices is the whole one, and they may be worked on side by side.
    constexpr std::size_t small = 1, large = std::size_t(1) << 40;
    CHECK(test::distance(in_double(Cpu(1, 0, small), many), in_double(Cpu(1, 0, large), many)) < 1e-11);
    const auto one = in_float(Cpu(1, 0, small), many);
    for (const int threads : {2, 3}) CHECK(in_float(Cpu(threads, 0, small), many) == one);
  }

  for (Share& share : net.shares()) share = {0};
  CHECK(test::outputs(net) == test::outputs(shallow(net)));
  for (Share& share : net.shares()) share = {1};
  CHECK(test::outputs(net) == test::outputs(plain(net)));
  CHECK(test::outputs(net) == test::outputs(collapsed(net)));

  const auto data = test::made_up_data<Spec, In>(30);
  const auto folder = std::filesystem::temp_directory_path() / ("dropnet-composed-" + std::to_string(seed));
  for (const Growth& growth : test::growths) {
    const Sgd sgd{.momentum = 0.9f, .weight_decay = 0.01f};
    Network<Spec, In> never_stopped(test::made_up_fill, Seed{1}), stopped(test::made_up_fill, Seed{1}), resumed;
    Trainer{never_stopped, sgd, Fixed{0.001f}, growth}.fit(data, {.batch = 7, .iterations = 8});
    Trainer first{stopped, sgd, Fixed{0.001f}, growth};
    first.fit(data, {.batch = 7, .iterations = 3});
    save(first, folder.string());
    Trainer later{resumed, Sgd{}, Fixed{1}};
    resume(later, folder.string());
    later.fit(data, {.batch = 7, .iterations = 5});
    CHECK(test::weights(resumed) == test::weights(never_stopped));
  }
  std::filesystem::remove_all(folder);
}

}  // namespace

#define NETWORK(seed, ...) \
  TEST_CASE("network " #seed) { obeys<__VA_ARGS__>(seed); }
#include "composed.hpp"
