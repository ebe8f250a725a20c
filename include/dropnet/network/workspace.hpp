#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/error.hpp"
#include "dropnet/core/pick.hpp"
#include "dropnet/core/scope.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/network/any_network.hpp"
#include "dropnet/network/slices.hpp"

namespace dropnet {

/// What a workspace is for: predicting takes no memory for gradients, and two places for activations however deep the network is.
enum class Purpose { predict, train };

/// Everything that a network needs beside its weights, for batches of up to a given size: activations, gradients,
/// the backend with its threads. One pass at a time; use one workspace per thread. The same type whatever the network's layers are.
template <class Backend, class T>
class AnyWorkspace {
 public:
  using Net = AnyNetwork<Backend, T>;
  template <class U>
  using Buffer = typename Backend::template Buffer<U>;

  /// Throws Error if the batch is not positive.
  AnyWorkspace(const Net& net, int batch, Purpose purpose, Backend backend)
      : input_size_(volume(net.architecture().input)),
        output_size_(volume(net.architecture().output)),
        capacity_(checked(batch)),
        batch_(batch),
        backend_(std::move(backend)),
        activations_(backend_.template buffer<T>(std::size_t(batch) * arena(net, purpose == Purpose::predict))),
        diffs_(backend_.template buffer<T>(purpose == Purpose::train ? std::size_t(batch) * arena(net, transient_diffs) : 0)),
        gradients_(backend_.template buffer<T>(purpose == Purpose::train ? net.extent().weights : 0)),
        indices_(backend_.template buffer<Index>(std::size_t(batch) * (purpose == Purpose::train ? net.extent().indices : net.extent().transient_indices))),
        labels_(backend_.template buffer<int>(std::size_t(batch))),
        targets_(backend_.template buffer<T>(std::size_t(batch) * output_size_)),
        picks_(backend_.template buffer<Pick>(std::size_t(batch))),
        tally_(backend_.template buffer<Tally>(1)) {}

  int batch() const { return batch_; }
  int capacity() const { return capacity_; }
  Backend& backend() { return backend_; }

  /// Sets the batch and its inputs, [batch][channel][row][column].
  /// Throws Error if the values are not whole samples or more than the workspace holds.
  void load(std::span<const T> values) {
    resize(values.size() / input_size_, values.size() % input_size_ == 0);
    activations_.upload(0, values);
  }
  void load_labels(std::span<const int> labels) {
    if (labels.size() != std::size_t(batch_))
      throw Error("dropnet: Workspace: " + std::to_string(labels.size()) + " labels for a batch of " +
                  std::to_string(batch_) + "; give one label per sample");
    for (int label : labels)
      if (label < 0 || std::size_t(label) >= output_size_)
        throw Error("dropnet: Workspace: a label is " + std::to_string(label) + " but the network has " +
                    std::to_string(output_size_) + " outputs; labels count from 0");
    labels_.upload(0, labels);
    has_targets_ = false;
  }
  /// Instead of labels: what the outputs are to be, [batch][value].
  void load_targets(std::span<const T> targets) {
    if (targets.size() != std::size_t(batch_) * output_size_)
      throw Error("dropnet: Workspace: " + std::to_string(targets.size()) + " target values for a batch of " + std::to_string(batch_) +
                  " and " + std::to_string(output_size_) + " outputs; give each sample as many as there are outputs");
    targets_.upload(0, targets);
    has_targets_ = true;
  }
  const int* labels() const { return labels_.data(); }
  const T* targets() const { return targets_.data(); }
  /// Whether the batch has targets, not labels.
  bool has_targets() const { return has_targets_; }
  /// Sets the batch to some images of a data set; `load_picked` then makes them inputs and labels, or targets.
  void pick(std::span<const Pick> images) {
    resize(images.size(), true);
    picks_.upload(0, images);
  }
  /// From what resident(backend(), data) has given.
  template <class Images>
  void load_picked(const Images& images) { has_targets_ = load_images(backend_, images, picks_.data(), input(), labels_.data(), targets_.data()); }

  /// How many samples the loss is a mean of: of this batch, or of the one that it is a slice of.
  int mean_of() const { return whole_ ? whole_ : batch_; }

  /// In how many slices a batch of this size goes through the network: one, unless the backend is faster with fewer samples at a
  /// time and no layer looks at several at once.
  int slices(const Net& net) const {
    if constexpr (cuts) {
      if (diffs_.size() == 0 || net.architecture().couples) return 1;
      // What is open counts, so that a closed network computes what the shallow one does, bit for bit.
      std::size_t values = 0, weights = 0;
      for (const LayerInfo& l : net.architecture().layers)
        if (l.kind != "dropin" && net.is_open(l.site)) values += volume(l.output);
      for (const TensorInfo& t : net.architecture().tensors)
        if (net.is_open(t.site)) weights += t.size;
      return backend_.slices(batch_, values * sizeof(T), weights * sizeof(T));
    }
    return 1;
  }
  /// Does work(workspace) for the batch or, in workspaces that hold one each, for its slices; then outputs, tally and, if it goes
  /// `back`, gradients are as if it were for the batch. Gradients of weights are sums over the slices in their order. Slices that are
  /// worked on side by side share the backend's threads; with `in_turn` each has all of them.
  template <class Work>
  void each_slice(const Net& net, bool back, bool in_turn, Work work) {
    if constexpr (cuts) {
      if (const int count = slices(net); count > 1) return slices_.run(*this, net, count, back, in_turn, work);
    }
    work(*this);
  }

  // Input and output lie at the arena's start, then what the layers take.
  Values<T> input() {
    Values<T> x = view(0, input_size_);
    x.add = add_input_gradient;
    return x;
  }
  Values<T> output() { return view(padded(input_size_), output_size_); }
  void outputs(std::span<T> to) const { activations_.download(padded(input_size_) * std::size_t(batch_), to); }
  /// The arenas, in scalars: activations and their gradients (empty unless made for training), then the weights' gradients.
  auto& activations() { return activations_; }
  auto& diffs() { return diffs_; }
  auto& gradients() { return gradients_; }
  const auto& gradients() const { return gradients_; }
  /// What the loss op adds to.
  Tally* tally() { return tally_.data(); }
  /// What it has added up since the last call.
  Tally take_tally() {
    Tally tally;
    const Tally none;
    tally_.download(0, {&tally, 1});
    tally_.upload(0, {&none, 1});
    return tally;
  }
  /// Whether backward also makes the input's gradient, ws.input().diff.
  bool input_gradient = false;
  /// Whether it then adds to what is there.
  bool add_input_gradient = false;

  /// Whether backward adds to the weights' gradients instead of writing them.
  bool add_gradients = false;

  /// The moment that the passes to come belong to.
  void begin(const Net& net, Moment moment) {
    moment_ = moment;
    if constexpr (Backend::asynchronous) {
      std::vector<Mix> mixes;
      for (std::size_t k = 0; k < net.shares().size(); ++k)
        mixes.emplace_back(net.shares()[k], net.architecture().sites[k].units, net.architecture().sites[k].channels, moment.training, Random{});
      backend_.begin(moment, mixes);
    }
  }
  const Moment& moment() const { return moment_; }

  auto pass(const Net& net, Probe<T>* probe) {
    const std::size_t first = (padded(input_size_) + padded(output_size_)) * std::size_t(batch_);
    return Pass<Backend, T>{backend_,
                            net.weights().data(),
                            gradients_.data(),
                            activations_.data() + first,
                            diffs_.size() ? diffs_.data() + first : nullptr,
                            indices_.data(),
                            net.shares().data(),
                            batch_,
                            first_,
                            moment_,
                            add_gradients,
                            probe,
                            probe == nullptr && !blends(net),
                            diffs_.size() == 0,
                            transient_diffs};
  }

 private:
  /// Backward reads a layer's gradient only while it goes through that layer. A device with a second stream may read on.
  static constexpr bool transient_diffs = !Backend::asynchronous;
  /// Whether a site mixes u into v's values, so that y does not tell what New had for an output.
  bool blends(const Net& net) const {
    for (std::size_t k = 0; k < net.shares().size(); ++k)
      if (const Share& share = net.shares()[k]; !share.closed() && !share.complete() &&
          Mix(share, 1, 1, moment_.training, Random{}).kind == Mix::blend) return true;
    return false;
  }
  static int checked(int batch) {
    if (batch < 1) throw Error("dropnet: Workspace: the batch is " + std::to_string(batch) + "; it must be at least 1");
    return batch;
  }
  std::size_t arena(const Net& net, bool transient) const {
    return padded(input_size_) + padded(output_size_) + (transient ? net.extent().transient : net.extent().activations);
  }
  void resize(std::size_t batch, bool whole) {
    if (!whole || batch < 1 || batch > std::size_t(capacity_))
      throw Error("dropnet: Workspace: the values must be 1 to " + std::to_string(capacity_) + " whole samples of " +
                  std::to_string(input_size_));
    batch_ = int(batch);
  }
  Values<T> view(std::size_t offset, std::size_t each) {
    const std::size_t place = offset * std::size_t(batch_);
    const bool wants_diff = diffs_.size() && (offset > 0 || input_gradient);
    return {activations_.data() + place, wants_diff ? diffs_.data() + place : nullptr, batch_, each};
  }

  static constexpr bool cuts = requires(const Backend& b) { b.slices(0, std::size_t{}, std::size_t{}); };
  friend class Slices<Backend, T>;
  /// For slices of up to so many samples.
  AnyWorkspace lane(const Net& net, int batch, int threads) const { return AnyWorkspace(net, batch, Purpose::train, backend_.with(threads)); }

  std::size_t input_size_, output_size_;
  int capacity_;
  int batch_;
  int first_ = 0, whole_ = 0;  ///< if it holds a slice: the first one of that many samples
  Backend backend_;
  Buffer<T> activations_, diffs_, gradients_;
  Buffer<Index> indices_;
  Buffer<int> labels_;
  Buffer<T> targets_;
  Buffer<Pick> picks_;
  Buffer<Tally> tally_;
  Moment moment_;
  bool has_targets_ = false;
  Slices<Backend, T> slices_;
};

/// A workspace for networks of one type.
template <class Net>
class Workspace : public AnyWorkspace<typename Net::backend, typename Net::scalar> {
 public:
  using T = typename Net::scalar;
  using Backend = typename Net::backend;

  /// Throws Error if the batch is not positive.
  explicit Workspace(const Net& net, int batch, Purpose purpose = Purpose::predict, Backend backend = {})
      : AnyWorkspace<Backend, T>(net, batch, purpose, std::move(backend)) {}
};

template <class Net>
Workspace(const Net&, int) -> Workspace<Net>;
template <class Net>
Workspace(const Net&, int, Purpose) -> Workspace<Net>;

}  // namespace dropnet
