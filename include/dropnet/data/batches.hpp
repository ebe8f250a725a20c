#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "dropnet/core/random.hpp"
#include "dropnet/data/dataset.hpp"

namespace dropnet {

/// The order of epoch e: a pure function of (seed, e).
inline std::vector<std::uint32_t> shuffled(std::size_t size, Seed seed, std::uint64_t epoch) {
  std::vector<std::uint32_t> order(size);
  std::iota(order.begin(), order.end(), 0u);
  const Random random(seed, Random::shuffle, 0, epoch);
  for (std::size_t i = size; i > 1; --i) {
    const std::size_t j = std::size_t((std::uint64_t(random.word(i)) * i) >> 32);
    std::swap(order[i - 1], order[j]);
  }
  return order;
}

/// Batches of a shuffled data set. Batch t holds the places t B .. t B + B - 1 of the epochs' orders laid end to end,
/// so that every image comes once per epoch and any batch can be had at any time.
class Batches {
 public:
  Batches(const Dataset& data, int batch, Seed seed) : data_(data), batch_(batch), seed_(seed) {}

  /// Fills the workspace's inputs and labels with batch t.
  template <class Workspace>
  void load(std::uint64_t t, Workspace& ws) {
    std::vector<typename Workspace::T> images(std::size_t(batch_) * data_.image_size());
    std::vector<int> labels(static_cast<std::size_t>(batch_));
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const std::uint64_t place = t * std::uint64_t(batch_) + i;
      const std::size_t image = order(place / data_.size())[place % data_.size()];
      data_.image(image, images.data() + i * data_.image_size());
      labels[i] = data_.labels()[image];
    }
    ws.load(images);
    ws.load_labels(labels);
  }

 private:
  const std::vector<std::uint32_t>& order(std::uint64_t epoch) {
    if (order_.empty() || epoch != epoch_) {
      order_ = shuffled(data_.size(), seed_, epoch);
      epoch_ = epoch;
    }
    return order_;
  }
  const Dataset& data_;
  int batch_;
  Seed seed_;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint32_t> order_;
};

}  // namespace dropnet
