#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <numeric>
#include <utility>
#include <vector>

#include "dropnet/core/turns.hpp"
#include "dropnet/network/any_network.hpp"

namespace dropnet {

/// A batch's slices on their way through the network, in workspaces of their own that are kept from batch to batch: several side by
/// side, each with its share of the threads, or one after the other with all of them.
template <class Backend, class T>
class Slices {
  using Net = AnyNetwork<Backend, T>;
  using Workspace = AnyWorkspace<Backend, T>;

 public:
  /// Does work(workspace) for each of `count` slices of the whole's batch, and takes over what they leave, in their order.
  template <class Work>
  void run(Workspace& whole, const Net& net, int count, bool back, bool in_turn, Work& work) {
    prepare(whole, net, count);
    const int side_by_side = int(lanes_.size());
    Turns turns;
    const auto go = [&](int l, int i) {
      try {
        Workspace& lane = lanes_[std::size_t(l)];
        const int first = begin(whole, count, i);
        take(lane, whole, first, begin(whole, count, i + 1) - first);
        work(lane);
        if (!turns.await(i)) return;
        give(lane, whole, net, back);
        turns.done(i);
      } catch (...) {
        turns.fail();
        throw;
      }
    };
    if (side_by_side > 1 && !in_turn)
      return whole.backend_.parallel(side_by_side, std::numeric_limits<std::size_t>::max(), [&](int l, int) {
        for (int i = l; i < count; i += side_by_side) go(l, i);
      });
    const Lent lent(whole.backend_, lanes_[0].backend_);
    for (int i = 0; i < count; ++i) go(0, i);
  }

 private:
  struct Lent {
    Backend &from, &to;
    Lent(Backend& f, Backend& t) : from(f), to(t) { std::swap(from, to); }
    ~Lent() { std::swap(from, to); }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
  };

  /// Where slice `i` of `count` begins: at a multiple of as many samples as the widest registers have lanes.
  static int begin(const Workspace& whole, int count, int i) { return i < count ? whole.batch_ / 16 * i / count * 16 : whole.batch_; }

  void prepare(const Workspace& whole, const Net& net, int count) {
    const int threads = whole.backend_.threads(), side_by_side = std::gcd(threads, count);
    int largest = 0;
    for (int i = 0; i < count; ++i) largest = std::max(largest, begin(whole, count, i + 1) - begin(whole, count, i));
    if (lanes_.size() == std::size_t(side_by_side) && lanes_[0].capacity() >= largest) return;
    lanes_.clear();
    for (int l = 0; l < side_by_side; ++l) lanes_.push_back(whole.lane(net, largest, side_by_side > 1 ? threads / side_by_side : 1));
  }
  /// A lane becomes a slice of the whole's batch.
  static void take(Workspace& lane, const Workspace& whole, int first, int count) {
    lane.batch_ = count;
    lane.first_ = first;
    lane.whole_ = whole.batch_;
    lane.moment_ = whole.moment_;
    lane.has_targets_ = whole.has_targets_;
    lane.input_gradient = whole.input_gradient;
    const auto copy = [&](const auto& from, std::size_t each, auto& to) { std::copy_n(from.data() + std::size_t(first) * each, std::size_t(count) * each, to.data()); };
    copy(whole.activations_, whole.input_size_, lane.activations_);
    copy(whole.labels_, 1, lane.labels_);
    if (whole.has_targets_) copy(whole.targets_, whole.output_size_, lane.targets_);
  }
  /// The whole takes over what a slice has left.
  static void give(Workspace& lane, Workspace& whole, const Net& net, bool back) {
    const auto y = whole.output(), slice_y = lane.output();
    using Y = decltype(whole.output());
    const auto copy = [&](auto values, const Y& from, const Y& to) { std::copy_n(from.*values, from.size(), to.*values + std::size_t(lane.first_) * to.each); };
    copy(&Y::data, slice_y, y);
    *whole.tally() += lane.take_tally();
    if (!back) return;
    copy(&Y::diff, slice_y, y);
    if (whole.input_gradient) copy(&Y::diff, lane.input(), whole.input());
    if (lane.first_ == 0 && !whole.add_gradients) return std::swap(whole.gradients_, lane.gradients_);
    for (const auto& t : net.architecture().tensors)
      if (net.is_open(t.site) && !t.frozen)
        for (std::size_t i = t.offset; i < t.offset + t.size; ++i) whole.gradients_.data()[i] += lane.gradients_.data()[i];
  }

  std::vector<Workspace> lanes_;
};

}  // namespace dropnet
