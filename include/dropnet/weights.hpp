#pragma once

// Needs nlohmann-json.

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/version.hpp"
#include "dropnet/files/safetensors.hpp"
#include "dropnet/network/any_network.hpp"

namespace dropnet {

/// What load_weights did.
struct LoadedWeights {
  std::vector<std::string> copied;
  std::vector<std::string> missing;   ///< in the network, not in the file
  std::vector<std::string> unused;    ///< in the file, not in the network
  std::vector<std::string> unfitting; ///< in both, with different shapes: "conv1_1.weight: 20x1x5x5 in the network, 20x3x5x5 in the file"
  std::vector<float> mean;            ///< what is to be subtracted from images, if the file says it: Dataset::less
  bool complete() const { return missing.empty() && unfitting.empty(); }
};

namespace detail {

/// Not of the network: the mean that was subtracted from the images it learned from.
inline constexpr const char* mean_name = "input.mean";

/// The sites' shares as metadata.
inline void put_shares(SafetensorsWriter& file, std::span<const Share> shares) {
  nlohmann::json p = nlohmann::json::array(), masks = nlohmann::json::array();
  for (const Share& s : shares) {
    p.push_back(s.p);
    masks.push_back(mask_name(s.mask));
  }
  file.meta("dropnet_version", std::to_string(DROPNET_VERSION));
  file.meta("dropin_p", p.dump());
  file.meta("dropin_mask", masks.dump());
}
/// Throws Error if they are damaged.
inline std::vector<Share> shares_in(const Safetensors& file) {
  std::vector<Share> shares;
  try {
    const auto p = file.meta("dropin_p"), masks = file.meta("dropin_mask");
    for (std::size_t k = 0; k < p.size() && k < masks.size(); ++k) {
      const double share = p.at(k).get<double>();
      const std::string name = masks.at(k).get<std::string>();
      if (!(share >= 0 && share <= 1)) file.fail("dropin_p holds a p outside [0, 1]");
      const auto mask = mask_of(name);
      if (!mask) file.fail("dropin_mask holds '" + name + "', which is no mask");
      shares.push_back({share, *mask});
    }
  } catch (const nlohmann::json::exception&) {
    file.fail("the sites' p cannot be read; the file is damaged");
  }
  return shares;
}

/// What a file of weights holds: all tensors, each site's share and, unless it is empty, a mean image.
template <class Backend, class T>
SafetensorsWriter weights_file(const AnyNetwork<Backend, T>& net, std::span<const float> mean) {
  const auto& input = net.architecture().input;
  if (!mean.empty() && mean.size() != volume(input))
    throw Error("dropnet: save_weights: a mean of " + std::to_string(mean.size()) + " values for images of " + std::to_string(volume(input)));
  SafetensorsWriter file;
  put_shares(file, net.shares());
  for (const TensorInfo& t : net.architecture().tensors) file.tensor(t.name, t.shape, net.read(t));
  if (!mean.empty()) file.tensor(mean_name, std::vector<int>(input.begin(), input.end()), std::vector<T>(mean.begin(), mean.end()));
  return file;
}

/// "conv1_1.weight: 20x1x5x5 in the network, 20x3x5x5 in the file"
inline std::string unfitting(const TensorInfo& t, const Safetensors::Entry& found) {
  return t.name + ": " + shape_text(t.shape) + " in the network, " + shape_text(found.shape) + " in the file";
}

/// The mean image that the file has for a network with this input; empty if it has none.
inline std::vector<float> mean_in(const Safetensors& file, const std::array<int, 3>& input) {
  const auto found = file.tensors.find(mean_name);
  return found != file.tensors.end() && std::ranges::equal(found->second.shape, input) ? file.values<float>(found->second) : std::vector<float>{};
}

/// What of a file goes into a network with these tensors.
struct Match {
  LoadedWeights report;
  std::vector<std::pair<const TensorInfo*, Safetensors::Entry>> fitting;
};
inline Match match(const Safetensors& file, const Architecture& architecture) {
  Match m;
  auto left = file.tensors;
  m.report.mean = mean_in(file, architecture.input);
  if (!m.report.mean.empty()) left.erase(mean_name);
  for (const TensorInfo& t : architecture.tensors) {
    const auto found = file.tensors.find(t.name);
    if (found == file.tensors.end()) {
      m.report.missing.push_back(t.name);
      continue;
    }
    left.erase(t.name);
    if (found->second.shape != t.shape) {
      m.report.unfitting.push_back(unfitting(t, found->second));
      continue;
    }
    m.fitting.emplace_back(&t, found->second);
    m.report.copied.push_back(t.name);
  }
  for (const auto& [name, entry] : left) m.report.unused.push_back(name);
  return m;
}

}  // namespace detail

/// Writes a network's weights as a safetensors file, [out][in][row][column], with each site's p beside them, and, if it is
/// given, the mean image of what it learned from. Throws Error if the file cannot be written; an older one then stays as it
/// is.
template <class Backend, class T>
void save_weights(const AnyNetwork<Backend, T>& net, const std::string& path, std::span<const float> mean = {}) {
  detail::weights_file(net, mean).write(path, true);
}

/// Copies by name what fits and tells what did not. The sites' p are taken over if the file has as many.
/// Throws Error, and leaves the network as it was, if the file is damaged.
template <class Backend, class T>
LoadedWeights load_weights(AnyNetwork<Backend, T>& net, const std::string& path) {
  const detail::Safetensors file(path);
  const auto shares = detail::shares_in(file);
  const auto match = detail::match(file, net.architecture());
  for (const auto& [tensor, entry] : match.fitting) net.write(*tensor, file.values<T>(entry));
  if (shares.size() == net.shares().size()) std::copy(shares.begin(), shares.end(), net.shares().begin());
  return match.report;
}

}  // namespace dropnet
