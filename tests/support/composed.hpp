#pragma once

// What the tests of made-up networks share.

#include <array>
#include <random>
#include <utility>

#include "check.hpp"

namespace test {

inline const dn::Fill made_up_fill{.layers = dn::Gaussian{0.3f}, .added = dn::Gaussian{0.2f}, .bias = dn::Gaussian{0.1f}};

inline std::vector<dn::Share> made_up_shares(std::size_t sites, std::mt19937& random) {
  static constexpr std::array ps{0.0, 0.05, 0.3, 0.5, 0.77, 0.99, 1.0};
  static constexpr std::array masks{dn::Mask::unit, dn::Mask::channel, dn::Mask::blend, dn::Mask::bernoulli};
  std::vector<dn::Share> shares(sites);
  for (dn::Share& share : shares) share = {ps[random() % ps.size()], masks[random() % masks.size()]};
  return shares;
}
inline std::string text(const std::vector<dn::Share>& shares) {
  std::string all;
  for (const dn::Share& share : shares) all += std::to_string(share.p) + " by mask " + std::to_string(int(share.mask)) + ", ";
  return all;
}

template <class Spec, class In>
dn::Dataset made_up_data(int images) {
  std::vector<int> labels;
  for (int n = 0; n < images; ++n) labels.push_back(n * 7 % int(dn::Network<Spec, In>::output::size));
  return dn::Dataset::floats(In{}, random_values<float>(std::size_t(images) * In::size, 1), labels);
}

/// The loss of a training pass and all gradients, of what lay there as NaN.
template <class Spec, class In, class T, class Backend>
std::vector<T> gradients(Backend backend, const std::vector<dn::Share>& shares, int batch) {
  dn::Network<Spec, In, Backend, T> net(Spec{}, made_up_fill, dn::Seed{3});
  std::copy(shares.begin(), shares.end(), net.shares().begin());
  dn::Workspace<decltype(net)> ws(net, batch, dn::Purpose::train, std::move(backend));
  ws.input_gradient = true;
  fill(ws.activations(), nan);
  fill(ws.diffs(), nan);
  fill(ws.gradients(), nan);
  const auto data = made_up_data<Spec, In>(batch);
  ws.load(std::vector<T>(data.floats().begin(), data.floats().end()));
  ws.load_labels(data.labels());
  std::vector<T> all{T(dn::train_pass(net, ws, 4, dn::Seed{7}))};
  const auto add = [&](const std::vector<T>& values) { all.insert(all.end(), values.begin(), values.end()); };
  add(read(ws.diffs(), ws.input().diff, ws.input().size()));
  for (const dn::TensorInfo& t : net.architecture().tensors)
    if (net.is_open(t.site) && !t.frozen && !t.is_statistic) add(read(ws.gradients(), ws.gradients().data() + t.offset, t.size));
  return all;
}

inline const std::array growths{dn::Growth(dn::Gradual{.start = 1, .length = 6}), dn::Growth(dn::Staggered{.length = 3, .gap = 2, .mask = dn::Mask::bernoulli})};

}  // namespace test
