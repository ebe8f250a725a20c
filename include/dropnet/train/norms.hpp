#pragma once

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/scope.hpp"
#include "dropnet/network/workspace.hpp"
#include "dropnet/train/csv.hpp"
#include "dropnet/train/observer.hpp"

namespace dropnet {

/// Euclidean norms of a layer in one iteration, before its step. NaN where there is nothing: a layer that did not run, a gradient
/// that nobody asked for, a layer without weights.
struct LayerNorms {
  static constexpr double none = std::numeric_limits<double>::quiet_NaN();
  std::string name;              ///< "conv1_2"
  double activation = none;      ///< of its output, over the batch
  double gradient = none;        ///< of its output's gradient
  double weight = none;          ///< of all its trained tensors
  double weight_gradient = none;
};

namespace detail {

/// Takes the norms of what each layer writes in a pass.
template <class Backend, class T>
class NormsProbe : public Probe<T> {
 public:
  NormsProbe(const AnyNetwork<Backend, T>& net, Backend& backend) : net_(net), backend_(backend) {
    for (const LayerInfo& l : net.architecture().layers) norms_.push_back({.name = l.name});
  }
  void after(int layer, Direction direction, const T* values, std::size_t count) override {
    auto& to = norms_[std::size_t(layer)];
    if (values) add(direction == Direction::forward ? to.activation : to.gradient, norm(backend_, values, count));
  }
  /// After the pass: those of the weights, too.
  std::vector<LayerNorms> with_weights(AnyWorkspace<Backend, T>& ws) && {
    for (const TensorInfo& t : net_.architecture().tensors) {
      if (t.is_statistic || t.frozen || !net_.is_open(t.site)) continue;
      for (LayerNorms& l : norms_)
        if (t.name.size() > l.name.size() && t.name.starts_with(l.name) && t.name[l.name.size()] == '.') {
          add(l.weight, norm(backend_, net_.weights().data() + t.offset, t.size));
          add(l.weight_gradient, norm(backend_, ws.gradients().data() + t.offset, t.size));
        }
    }
    return std::move(norms_);
  }

 private:
  static void add(double& to, double other) { to = std::isnan(to) ? other : std::hypot(to, other); }
  const AnyNetwork<Backend, T>& net_;
  Backend& backend_;
  std::vector<LayerNorms> norms_;
};

}  // namespace detail

/// Writes each layer's norms to a file of comma-separated values; empty where there is none.
class NormsCsv : public Observer {
 public:
  /// Goes on behind what the file has of the iterations before `after`, if that is positive. Throws Error if it cannot be written.
  explicit NormsCsv(const std::string& path, std::int64_t after = 0) : file_(path, csv_so_far(path, after - 1, "iteration,layer,activation,gradient,weight,weight_gradient\n")) {}

  void norms(std::int64_t iteration, const std::vector<LayerNorms>& layers) override {
    std::string lines;
    for (const LayerNorms& l : layers) {
      lines += std::to_string(iteration) + "," + l.name;
      for (const double v : {l.activation, l.gradient, l.weight, l.weight_gradient}) {
        char text[32] = "";
        if (!std::isnan(v)) std::snprintf(text, sizeof text, "%.6g", v);
        lines += std::string(",") + text;
      }
      lines += '\n';
    }
    file_.write(lines);
  }

 private:
  LineFile file_;
};

/// Finds that a network cannot learn any more: no gradient reaches its first trained layer. With ReLU a deep net that stays at
/// chance comes to that, for what it gives becomes the same for all images. Is told by FitOptions::norms_interval, asked by `stop`.
class VanishedGradient : public Observer {
 public:
  /// `times` measurements in a row must have found exactly zero.
  explicit VanishedGradient(int times = 3) : times_(times) {}
  void norms(std::int64_t, const std::vector<LayerNorms>& layers) override {
    const auto first = std::find_if(layers.begin(), layers.end(), [](const LayerNorms& l) { return !std::isnan(l.weight_gradient); });
    zeros_ = first != layers.end() && first->weight_gradient == 0 ? zeros_ + 1 : 0;
  }
  bool found() const { return zeros_ >= times_; }

 private:
  int times_, zeros_ = 0;
};

}  // namespace dropnet
