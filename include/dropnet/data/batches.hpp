#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/error.hpp"
#include "dropnet/core/host_backend.hpp"
#include "dropnet/core/pick.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/data/augmentation.hpp"
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

/// The data set where a backend's ops can read it: here, as it is.
inline const Dataset& resident(HostBackend&, const Dataset& data) { return data; }

/// Inputs and labels, or targets, of the picked images; whether it is targets that they have.
template <class T>
bool load_images(HostBackend&, const Dataset& data, const Pick* picks, Values<T> x, int* labels, T* targets) {
  for (int n = 0; n < x.batch; ++n) {
    data.image(picks[n], x.sample(n));
    if (!data.has_targets()) labels[n] = data.labels()[picks[n].image];
    for (const float t : data.target(picks[n].image)) *targets++ = T(t);
  }
  return data.has_targets();
}

/// Batches of a shuffled, augmented data set. Batch t holds the places t B .. t B + B - 1 of the epochs' orders laid end to
/// end, so that every image comes once per epoch and any batch can be had at any time.
class Batches {
 public:
  /// Throws Error if the data set has no images, the batch is not positive, or the augmentation makes no sense.
  Batches(const Dataset& data, int batch, Seed seed, Augmentation augmentation = {}) : Batches(data, batch) {
    check(augmentation);
    shuffled_ = true;
    seed_ = seed;
    augmentation_ = augmentation;
  }
  /// All images once, in order and as they are: the last batch holds what is left, those behind it nothing.
  static Batches in_order(const Dataset& data, int batch) { return Batches(data, batch); }

  /// The images of batch t, good until the next call.
  std::span<const Pick> at(std::uint64_t t) { return shuffled_ ? shuffled_at(t) : ordered_at(t); }
  /// Fills the workspace's inputs, and labels or targets, with batch t.
  template <class Workspace>
  void load(std::uint64_t t, Workspace& ws) {
    ws.pick(at(t));
    ws.load_picked(resident(ws.backend(), data_));
  }
  const Dataset& data() const { return data_; }
  int batch() const { return int(picks_.size()); }

 private:
  Batches(const Dataset& data, int batch) : data_(data), picks_(std::size_t(std::max(batch, 0))) {
    if (data.size() == 0) throw Error("dropnet: Batches: the data set has no images");
    if (batch < 1) throw Error("dropnet: Batches: the batch is " + std::to_string(batch) + "; it must be at least 1");
  }
  std::span<const Pick> ordered_at(std::uint64_t t) {
    const std::size_t first = std::min(std::size_t(t) * picks_.size(), data_.size()), count = std::min(picks_.size(), data_.size() - first);
    for (std::size_t i = 0; i < count; ++i) picks_[i] = {.image = std::uint32_t(first + i)};
    return std::span(picks_).first(count);
  }
  std::span<const Pick> shuffled_at(std::uint64_t t) {
    for (std::size_t i = 0; i < picks_.size(); ++i) {
      const std::uint64_t place = t * std::uint64_t(picks_.size()) + i, epoch = place / data_.size();
      picks_[i] = augmented(augmentation_, seed_, epoch, order(epoch)[place % data_.size()]);
    }
    return picks_;
  }
  const std::vector<std::uint32_t>& order(std::uint64_t epoch) {
    if (order_.empty() || epoch != epoch_) {
      order_ = shuffled(data_.size(), seed_, epoch);
      epoch_ = epoch;
    }
    return order_;
  }
  const Dataset& data_;
  std::vector<Pick> picks_;
  bool shuffled_ = false;
  Seed seed_;
  Augmentation augmentation_;
  std::uint64_t epoch_ = 0;
  std::vector<std::uint32_t> order_;
};

}  // namespace dropnet
