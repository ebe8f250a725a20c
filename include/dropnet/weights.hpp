#pragma once

// Needs nlohmann-json.

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/version.hpp"
#include "dropnet/files/safetensors.hpp"
#include "dropnet/network/network.hpp"

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
template <class Shape>
std::vector<int> shape_of(Shape) { return {Shape::channels, Shape::height, Shape::width}; }

/// What a file of weights holds: all tensors, each site's share and, unless it is empty, a mean image.
template <class Net>
SafetensorsWriter<typename Net::scalar> weights_file(const Net& net, std::span<const float> mean) {
  if (!mean.empty() && mean.size() != Net::input::size)
    throw Error("dropnet: save_weights: a mean of " + std::to_string(mean.size()) + " values for images of " + std::to_string(Net::input::size));
  SafetensorsWriter<typename Net::scalar> file;
  nlohmann::json p = nlohmann::json::array(), masks = nlohmann::json::array();
  for (const Share& s : net.shares()) {
    p.push_back(s.p);
    masks.push_back(mask_name(s.mask));
  }
  file.meta("dropnet_version", std::to_string(DROPNET_VERSION));
  file.meta("dropin_p", p.dump());
  file.meta("dropin_mask", masks.dump());
  for (const TensorInfo& t : net.architecture().tensors) file.tensor(t.name, t.shape, net.read(t));
  if (!mean.empty()) file.tensor(mean_name, shape_of(typename Net::input{}), mean);
  return file;
}

/// "conv1_1.weight: 20x1x5x5 in the network, 20x3x5x5 in the file"
inline std::string unfitting(const TensorInfo& t, const Safetensors::Entry& found) {
  return t.name + ": " + shape_text(t.shape) + " in the network, " + shape_text(found.shape) + " in the file";
}

/// The mean image that the file has for a network with this input; empty if it has none.
template <class Shape>
std::vector<float> mean_in(const Safetensors& file, Shape input) {
  const auto found = file.tensors.find(mean_name);
  return found != file.tensors.end() && found->second.shape == shape_of(input) ? file.values<float>(found->second) : std::vector<float>{};
}

}  // namespace detail

/// Writes a network's weights as a safetensors file, [out][in][row][column], with each site's p beside them, and, if it is
/// given, the mean image of what it learned from. Throws Error if the file cannot be written; an older one then stays as it
/// is.
template <class Net>
void save_weights(const Net& net, const std::string& path, std::span<const float> mean = {}) {
  detail::weights_file(net, mean).write(path, true);
}

/// Copies by name what fits and tells what did not. The sites' p are taken over if the file has as many.
/// Throws Error, and leaves the network as it was, if the file is damaged.
template <class Net>
LoadedWeights load_weights(Net& net, const std::string& path) {
  const detail::Safetensors file(path);
  LoadedWeights report;
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
  auto left = file.tensors;
  report.mean = detail::mean_in(file, typename Net::input{});
  if (!report.mean.empty()) left.erase(detail::mean_name);
  for (const TensorInfo& t : net.architecture().tensors) {
    const auto found = file.tensors.find(t.name);
    if (found == file.tensors.end()) {
      report.missing.push_back(t.name);
      continue;
    }
    left.erase(t.name);
    if (found->second.shape != t.shape) {
      report.unfitting.push_back(detail::unfitting(t, found->second));
      continue;
    }
    net.write(t, file.values<typename Net::scalar>(found->second));
    report.copied.push_back(t.name);
  }
  for (const auto& [name, entry] : left) report.unused.push_back(name);
  if (shares.size() == net.shares().size()) std::copy(shares.begin(), shares.end(), net.shares().begin());
  return report;
}

}  // namespace dropnet
