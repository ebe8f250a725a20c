#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/extent.hpp"
#include "dropnet/core/shape.hpp"
#include "dropnet/core/filler.hpp"
#include "dropnet/layers/parameter.hpp"

namespace dropnet {

/// How many values a sample of [channels, height, width] has.
constexpr std::size_t volume(const std::array<int, 3>& shape) { return std::size_t(shape[0]) * std::size_t(shape[1]) * std::size_t(shape[2]); }

/// One weight tensor of a network and its place in the weight arena.
struct TensorInfo : TensorShape {
  std::string name;        ///< "conv1_2.weight"
  std::size_t offset = 0;  ///< in scalars
  bool is_bias = false;
  int site = -1;           ///< the innermost DropIn that it lies behind, or -1
  Parameter parameter;
  double follow = 0;       ///< of a running statistic: how far a step moves it
  bool is_statistic = false;
  bool frozen = false;
  /// Whether a step of the solver changes it.
  bool moves() const { return !frozen && (!is_statistic || follow > 0); }
};

/// One computing layer, in order.
struct LayerInfo {
  std::string name;  ///< "conv1_2", "pool1", "dropin1_2"
  std::string kind;  ///< "conv", "fc", "pool", "relu", "bn", "dropout", "resize", "dropin", "add" ...
  std::array<int, 3> input{};   ///< channels, height, width
  std::array<int, 3> output{};
  std::size_t parameters = 0;
  std::size_t multiply_adds = 0;     ///< per sample, forward
  int site = -1;
  bool partial = false;       ///< whether only the channels that its site lets in are asked of it
  std::vector<int> inputs{};  ///< the layers whose outputs it takes, -1 for the network's input; of a dropin u's, then v's
};

/// One DropIn site.
struct SiteInfo {
  int parent = -1;        ///< the site whose New holds this one, or -1
  std::size_t units = 0;  ///< of its output
  std::size_t channels = 0;
};

/// A network as tables: what summaries, fillers, solvers, files and transforms go by. Made by one walk over the layers.
///
/// Names count weighted layers as the paper does: each child of the outermost Sequential that has weights is a block,
/// its convolutions are convB_1, convB_2, ..., its fully connected layers fcB, fcB_2, ...
class Architecture {
 public:
  std::vector<LayerInfo> layers;
  std::vector<TensorInfo> tensors;
  std::vector<SiteInfo> sites;
  std::array<int, 3> input{}, output{};  ///< channels, height, width
  Extent extent;
  bool couples = false;  ///< whether a sample's outputs depend on the others of its batch

  /// Not inlined, or it would be in each of a network's constructors.
  template <class Spec, class Input>
  [[gnu::noinline]] static Architecture of(Spec spec, Input input) {
    Architecture a;
    spec.visit(a, Extent{}, input);
    a.extent = spec.extent(input);
    a.input = numbers(input);
    a.output = numbers(Spec::output(input));
    return a;
  }

  // What layers call from visit.

  void enter_child() {
    if (depth_++ == 0) fresh_block_ = true;
  }
  void leave_child() { --depth_; }
  /// Frozen layers have the names that they would have without.
  void enter_frozen() {
    frozen_.push_back(depth_);
    if (depth_ > 0) --depth_;
  }
  void leave_frozen() {
    depth_ = frozen_.back();
    frozen_.pop_back();
  }
  template <class Out>
  void enter_site(Extent at, Out) {
    sites.push_back({site_, Out::size, std::size_t(Out::channels)});
    site_ = at.sites;
  }
  void leave_site() { site_ = sites[std::size_t(site_)].parent; }
  /// The last layer but so many is asked for let-in channels only.
  void partial(int behind) { layers[layers.size() - 1 - std::size_t(behind)].partial = true; }
  // Branches that begin at one layer and end in the next one that comes behind join().
  void fork() { forks_.push_back({last_, {}}); }
  void end_branch() {
    forks_.back().ends.push_back(last_);
    last_ = forks_.back().from;
  }
  void join() {
    joined_ = std::move(forks_.back().ends);
    forks_.pop_back();
  }

  /// Of a layer that looks at several samples of a batch at once: such a network takes batches whole.
  void couples_samples() { couples = couples || frozen_.empty(); }
  template <class In, class Out>
  void layer(const char* kind, Extent at, In, Out, std::size_t multiply_adds) {
    add_layer(kind, at, numbers(In{}), numbers(Out{}), multiply_adds);
  }
  void weight(std::initializer_list<int> shape, std::size_t fan_in, Parameter m) {
    tensor("weight", shape, m);
    tensors.back().fan_in = fan_in;
    tensors.back().fan_out = tensors.back().size / std::size_t(shape.begin()[1]);
  }
  /// A factor per channel.
  void scale(std::initializer_list<int> shape, Parameter m) { tensor("weight", shape, m); }
  /// A tensor that no gradient trains; it begins as `filler`, and each step moves it by `follow` towards what backward has
  /// left in its gradient.
  void statistic(const char* name, std::initializer_list<int> shape, Filler filler, double follow) {
    tensor(name, shape, {.filler = filler});
    layers.back().parameters -= tensors.back().size;
    tensors.back().is_statistic = true;
    tensors.back().follow = follow;
  }
  void bias(std::initializer_list<int> shape, Parameter m) {
    tensor("bias", shape, m);
    tensors.back().is_bias = true;
  }
  void require_count(const char* layer, bool given) const {
    if (!given)
      throw Error(std::string("dropnet: ") + layer + ": the count is Dynamic and was not given; write " + layer +
                  "<..., Dynamic>{.count = n}");
  }

 private:
  template <class Shape>
  static constexpr std::array<int, 3> numbers(Shape) { return {Shape::channels, Shape::height, Shape::width}; }
  void add_layer(const char* kind, Extent at, const std::array<int, 3>& in, const std::array<int, 3>& out, std::size_t multiply_adds) {
    place_ = at;
    layers.push_back({"", kind, in, out, 0, multiply_adds, site_, false, joined_.empty() ? std::vector<int>{last_} : std::exchange(joined_, {})});
    last_ = int(layers.size()) - 1;
    if (multiply_adds > 0 && fresh_block_) {
      fresh_block_ = false;
      ++block_;
      counts_.clear();
    }
    layers.back().name = name(kind);
  }
  void tensor(const char* what, std::initializer_list<int> shape, Parameter m) {
    TensorInfo t;
    t.name = layers.back().name + "." + what;
    t.shape = shape;
    t.offset = place_.weights;
    t.site = site_;
    t.parameter = std::move(m);
    t.frozen = !frozen_.empty();
    t.size = 1;
    for (int n : shape) t.size *= std::size_t(n);
    place_ = place_ + extents::tensor(t.size);
    layers.back().parameters += t.size;
    tensors.push_back(std::move(t));
  }
  std::string name(const std::string& kind) {
    auto count = std::find_if(counts_.begin(), counts_.end(), [&](const auto& c) { return c.first == kind; });
    if (count == counts_.end()) count = counts_.insert(count, {kind, 0});
    const int k = ++count->second;
    std::string name = kind + std::to_string(block_);
    // A block's first convolution is conv1_1 whether or not others follow, so that shallow and deep nets share names.
    if (kind == "conv" || kind == "dropin" || k > 1) name.append(1, '_').append(std::to_string(kind == "dropin" ? k + 1 : k));
    return name;
  }

  int depth_ = 0;
  std::vector<int> frozen_;
  int block_ = 0;
  int site_ = -1;
  struct Branches {
    int from;
    std::vector<int> ends;
  };
  int last_ = -1;  ///< the layer whose output comes next
  std::vector<Branches> forks_;
  std::vector<int> joined_;
  bool fresh_block_ = true;
  std::vector<std::pair<std::string, int>> counts_;  ///< of a block's layers, by kind
  Extent place_;
};

}  // namespace dropnet
