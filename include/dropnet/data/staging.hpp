#pragma once

#include <cstdint>
#include <vector>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/host_backend.hpp"
#include "dropnet/core/tensor.hpp"
#include "dropnet/data/batches.hpp"

namespace dropnet {

/// How batches that workers make ahead come to a workspace of a backend with inputs of Shape. Here, on the host, they are made as
/// inputs.
template <class Backend, class Shape, class T>
struct Staging {
  /// What a worker fills.
  struct Batch {
    Tensor<Shape, T> images{0};
    std::vector<int> labels;
    std::vector<T> targets;  ///< instead of labels, where the data set has them

    void fill(Batches& from, std::uint64_t t) {
      HostBackend host;
      const auto picks = from.at(t);
      if (images.batch() != int(picks.size())) images = Tensor<Shape, T>(int(picks.size()));
      labels.resize(from.data().has_targets() ? 0 : picks.size());
      targets.resize(picks.size() * from.data().target_size());
      load_images(host, from.data(), picks.data(), Blob<T, Shape>{images.data(), nullptr, images.batch()}, labels.data(), targets.data());
    }
  };

  Staging(Backend&, const Batches&) {}
  Batch batch() const { return {}; }
  /// Makes a batch the workspace's inputs and labels, or targets. It must stay until let_go().
  template <class Workspace>
  void bring(const Batch& batch, Workspace& ws) {
    ws.load(batch.images.values());
    if (batch.targets.empty())
      ws.load_labels(batch.labels);
    else
      ws.load_targets(batch.targets);
  }
  /// Returns when nobody reads the batch that was brought last.
  void let_go() noexcept {}
};

}  // namespace dropnet
