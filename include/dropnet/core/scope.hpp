#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/extent.hpp"
#include "dropnet/core/moment.hpp"
#include "dropnet/core/share.hpp"

namespace dropnet {

enum class Direction { forward, backward };

/// Told of each layer as a pass goes through it: for timing it, or to look at what it wrote.
template <class T>
class Probe {
 public:
  virtual ~Probe() = default;
  virtual void before(int /*layer*/, Direction) {}
  /// `values`: the layer's output after forward, its output's gradient after backward; in the backend's memory.
  virtual void after(int /*layer*/, Direction, const T* /*values*/, std::size_t /*count*/) {}
  /// Which of the backend's kernels the layer is about to use, where it has several.
  virtual void kernel(int /*layer*/, Direction, const std::string& /*name*/) {}
};

/// All that is the same for every layer in one pass over the network.
template <class Backend, class T>
struct Pass {
  Backend& backend;
  const T* weights;
  T* gradients;    ///< nullptr in a pass without backward
  T* activations;
  T* diffs;        ///< nullptr in a pass without backward
  Index* indices;
  const Share* shares;
  int batch;       ///< samples in this pass
  int first;       ///< which of the whole batch's samples they begin with
  Moment moment;
  bool add_gradients = false;  ///< of weights: backward adds to what is there
  Probe<T>* probe = nullptr;
  bool may_fuse = false;
  bool transient = false;  ///< no backward follows: what is read no more may be written over
  bool transient_diffs = false;  ///< so may gradients that are read no more
};

/// A layer's own place in the arenas, handed on by value.
template <class Backend, class T>
class Scope {
 public:
  /// Where the first layer begins.
  explicit Scope(const Pass<Backend, T>& pass) : pass_(&pass) {}

  Scope operator+(const Extent& e) const {
    Scope s = *this;
    s.weights_ += e.weights;
    s.activations_ += e.activations;
    s.indices_ += e.indices;
    s.layer_ += e.layers;
    s.site_ += e.sites;
    return s;
  }

  /// The next activations, and a step over them.
  template <class Shape>
  Blob<T, Shape> take(Shape shape) {
    const auto taken = blob(shape, held_);
    activations_ += padded(Shape::size);
    held_ += padded(Shape::size);
    return taken;
  }

  // What is handed on along a chain of layers: each link has a place of its own, or, where places are transient, every other
  // one has the same. Sizes without the padding.

  /// For links of up to so many scalars; `links`: how many there are, if fewer than two.
  Scope chain(std::size_t size, int links = 2) const {
    Scope s = *this;
    s.here_ = held_;
    s.there_ = held_ + (links > 1 ? padded(size) : 0);
    s.held_ = s.there_ + (links > 0 ? padded(size) : 0);
    return s;
  }
  /// The next link, and a step over it.
  template <class Shape>
  Blob<T, Shape> link(Shape shape) {
    const auto taken = blob(shape, here_);
    activations_ += padded(Shape::size);
    std::swap(here_, there_);
    return taken;
  }
  /// What its reader's backward may write its gradient over, where backward reads no values later on.
  template <class B>
  B over(B blob) const {
    if (blob.diff && pass_->transient_diffs) blob.diff = blob.data;
    return blob;
  }
  /// The link after the next one.
  void turn() { std::swap(here_, there_); }
  /// The same place, with what is taken from now on behind all that `other` holds.
  Scope behind(const Scope& other) const {
    Scope s = *this;
    s.held_ = other.held_;
    return s;
  }
  /// The next weight tensor, and a step over it.
  Weight<T> take_weight(std::size_t size) {
    const std::size_t place = weights_;
    weights_ += padded(size);
    return {pass_->weights + place, pass_->gradients ? pass_->gradients + place : nullptr, pass_->add_gradients};
  }
  Index* indices() const { return pass_->indices + (pass_->transient ? 0 : indices_ * std::size_t(pass_->batch)); }

  /// The same place in another pass.
  Scope in(const Pass<Backend, T>& pass) const {
    Scope s = *this;
    s.pass_ = &pass;
    return s;
  }
  /// The pass as layers see it whose weights are not trained: no gradients, as in testing.
  Pass<Backend, T> frozen() const {
    Pass<Backend, T> pass = *pass_;
    pass.gradients = nullptr;
    pass.moment.training = false;
    pass.may_fuse = false;  // a site with a random mask blends now
    return pass;
  }

  Backend& backend() const { return pass_->backend; }
  bool training() const { return pass_->moment.training; }
  Probe<T>* probe() const { return pass_->probe; }
  /// Whether two layers may be done in one op that leaves out what lies between them.
  bool may_fuse() const { return pass_->may_fuse; }
  int layer() const { return layer_; }
  int site() const { return site_; }
  std::uint64_t iteration() const { return pass_->moment.iteration; }
  Share share() const { return pass_->shares[site_]; }
  /// With `each` words for a sample: those of this pass's first one come first.
  Random random(Random::Purpose purpose, int number, std::size_t each) const {
    return Random(pass_->moment.seed, purpose, number, pass_->moment.time()).from(std::uint64_t(pass_->first) * each);
  }

 private:
  /// At the next place of its own, or at the transient one.
  template <class Shape>
  Blob<T, Shape> blob(Shape, std::size_t transient) const {
    const auto place = [&](bool shared) { return (shared ? transient : activations_) * std::size_t(pass_->batch); };
    return {pass_->activations + place(pass_->transient), pass_->diffs ? pass_->diffs + place(pass_->transient_diffs) : nullptr, pass_->batch};
  }
  const Pass<Backend, T>* pass_;
  std::size_t weights_ = 0, activations_ = 0, indices_ = 0;  ///< of an extent what a layer's place is found by
  int layer_ = 0, site_ = 0;
  std::size_t held_ = 0, here_ = 0, there_ = 0;  ///< of transient places, in scalars per sample
};

/// Runs work that belongs to layer number `s.layer()` and tells the probe of it, if there is one.
template <class S, class Y, class Work>
void probed(const S& s, Direction direction, const Y& y, Work&& work) {
  s.backend().enter(s.layer());
  if (auto* probe = s.probe()) {
    s.backend().wait();
    if constexpr (!std::remove_reference_t<decltype(s.backend())>::asynchronous)
      if (direction == Direction::forward)  // what the op may leave as it is shall not be looked at
        for (int n = 0; n < y.batch; ++n) std::fill_n(y.sample(n), std::size_t(y.from) * Y::shape::plane, 0);
    probe->before(s.layer(), direction);
    std::forward<Work>(work)();
    s.backend().wait();
    probe->after(s.layer(), direction, direction == Direction::forward ? y.data : y.diff, y.size());
  } else {
    std::forward<Work>(work)();
  }
}

}  // namespace dropnet
