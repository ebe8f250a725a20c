#pragma once

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "dropnet/core/scope.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/network/architecture.hpp"

namespace dropnet {

template <class Backend, class T>
class AnyWorkspace;

/// A network's weights and how far each site has grown, the same type whatever its layers are: what files, solvers and summaries
/// go by, which are so compiled once for all networks.
template <class Backend, class T>
class AnyNetwork {
 public:
  const Architecture& architecture() const { return architecture_; }
  const Extent& extent() const { return architecture_.extent; }

  /// The arena that holds all weights; `architecture().tensors` says where each one lies.
  auto& weights() { return weights_; }
  const auto& weights() const { return weights_; }
  std::vector<T> read(const TensorInfo& t) const {
    std::vector<T> values(t.size);
    weights_.download(t.offset, values);
    return values;
  }
  void write(const TensorInfo& t, std::span<const T> values) { weights_.upload(t.offset, values); }

  /// How far each site has grown. A new network stands complete; a trainer sets the shares of its schedule.
  std::span<const Share> shares() const { return shares_; }
  std::span<Share> shares() { return shares_; }
  /// Whether a site runs: it and all sites around it let something in.
  bool is_open(int site) const {
    for (; site >= 0; site = architecture_.sites[std::size_t(site)].parent)
      if (shares_[std::size_t(site)].closed()) return false;
    return true;
  }

 protected:
  explicit AnyNetwork(Architecture architecture)
      : architecture_(std::move(architecture)), weights_(architecture_.extent.weights), shares_(architecture_.sites.size()) {}
  // A network of no type cannot be had alone.
  AnyNetwork(const AnyNetwork&) = default;
  AnyNetwork(AnyNetwork&&) = default;
  AnyNetwork& operator=(const AnyNetwork&) = default;
  AnyNetwork& operator=(AnyNetwork&&) = default;
  ~AnyNetwork() = default;

 private:
  Architecture architecture_;
  typename Backend::template Buffer<T> weights_;
  std::vector<Share> shares_;
};

/// Forward or backward of networks of one type, without waiting for an asynchronous backend; network and workspace must be that type's.
template <class Backend, class T>
using QueuedPass = void (*)(const AnyNetwork<Backend, T>&, AnyWorkspace<Backend, T>&, Probe<T>*);

}  // namespace dropnet
