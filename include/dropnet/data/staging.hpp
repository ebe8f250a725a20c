#pragma once

#include <cstdint>
#include <vector>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/host_backend.hpp"
#include "dropnet/data/batches.hpp"

namespace dropnet {

/// How batches that workers make ahead come to a workspace of a backend. Here, on the host, they are made as
/// inputs.
template <class Backend, class T>
struct Staging {
  /// What a worker fills.
  struct Batch {
    std::vector<T> images;
    std::vector<int> labels;
    std::vector<T> targets;  ///< instead of labels, where the data set has them

    void fill(Batches& from, std::uint64_t t) {
      HostBackend host;
      const auto picks = from.at(t);
      const std::size_t each = from.data().image_size();
      images.resize(picks.size() * each);
      labels.resize(from.data().has_targets() ? 0 : picks.size());
      targets.resize(picks.size() * from.data().target_size());
      load_images(host, from.data(), picks.data(), Values<T>{images.data(), nullptr, int(picks.size()), each}, labels.data(), targets.data());
    }
  };

  Staging(Backend&, const Batches&) {}
  Batch batch() const { return {}; }
  /// Makes a batch the workspace's inputs and labels, or targets. It must stay until let_go().
  template <class Workspace>
  void bring(const Batch& batch, Workspace& ws) {
    ws.load(batch.images);
    if (batch.targets.empty())
      ws.load_labels(batch.labels);
    else
      ws.load_targets(batch.targets);
  }
  /// Returns when nobody reads the batch that was brought last.
  void let_go() noexcept {}
};

}  // namespace dropnet
