#pragma once

#include <cstddef>
#include <cstdint>
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
  int batch;
  Moment moment;
  bool add_gradients = false;  ///< of weights: backward adds to what is there
  Probe<T>* probe = nullptr;
  bool may_fuse = false;
};

/// A layer's own place in the arenas, handed on by value.
template <class Backend, class T>
class Scope {
 public:
  Scope(const Pass<Backend, T>& pass, Extent at) : pass_(&pass), at_(at) {}

  Scope operator+(const Extent& e) const { return {*pass_, at_ + e}; }

  /// The next activations, and a step over them.
  template <class Shape>
  Blob<T, Shape> take(Shape shape) {
    const std::size_t place = at_.activations * std::size_t(pass_->batch);
    at_ = at_ + extents::activations(shape);
    return {pass_->activations + place, pass_->diffs ? pass_->diffs + place : nullptr, pass_->batch};
  }
  /// The next weight tensor, and a step over it.
  Weight<T> take_weight(std::size_t size) {
    const std::size_t place = at_.weights;
    at_ = at_ + extents::tensor(size);
    return {pass_->weights + place, pass_->gradients ? pass_->gradients + place : nullptr, pass_->add_gradients};
  }
  Index* indices() const { return pass_->indices + at_.indices * std::size_t(pass_->batch); }

  Extent place() const { return at_; }
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
  int layer() const { return at_.layers; }
  int site() const { return at_.sites; }
  std::uint64_t iteration() const { return pass_->moment.iteration; }
  Share share() const { return pass_->shares[at_.sites]; }
  Random random(Random::Purpose purpose, int number) const {
    return {pass_->moment.seed, purpose, number, pass_->moment.time()};
  }

 private:
  const Pass<Backend, T>* pass_;
  Extent at_;
};

/// Runs work that belongs to layer number `s.layer()` and tells the probe of it, if there is one.
template <class S, class Y, class Work>
void probed(const S& s, Direction direction, const Y& y, Work&& work) {
  s.backend().enter(s.layer());
  if (auto* probe = s.probe()) {
    s.backend().wait();
    probe->before(s.layer(), direction);
    std::forward<Work>(work)();
    s.backend().wait();
    probe->after(s.layer(), direction, direction == Direction::forward ? y.data : y.diff, y.size());
  } else {
    std::forward<Work>(work)();
  }
}

}  // namespace dropnet
