#pragma once

#include <cudnn_backend.h>

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/cuda/library.hpp"

namespace dropnet::cuda {

/// One of cuDNN's descriptors: attributes are set, then it is finalized, then it can be read and used.
class Descriptor {
 public:
  Descriptor(const Cudnn& cudnn, cudnnBackendDescriptorType_t type, std::string what) : cudnn_(&cudnn), what_(std::move(what)) {
    cudnn.check(cudnn.create_descriptor(type, &raw_), "cudnnBackendCreateDescriptor", what_);
  }
  Descriptor(Descriptor&& other) noexcept : cudnn_(other.cudnn_), what_(std::move(other.what_)), raw_(std::exchange(other.raw_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(cudnn_, other.cudnn_);
    std::swap(what_, other.what_);
    std::swap(raw_, other.raw_);
    return *this;
  }
  ~Descriptor() {
    if (raw_) cudnn_->destroy_descriptor(raw_);
  }

  cudnnBackendDescriptor_t raw() const { return raw_; }

  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::initializer_list<T> values) {
    return set(name, type, values.begin(), values.size());
  }
  template <class T>
  Descriptor& set(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, const T* values, std::size_t count) {
    cudnn_->check(cudnn_->set_attribute(raw_, name, type, std::int64_t(count), values), "cudnnBackendSetAttribute", what_);
    return *this;
  }
  Descriptor& set(cudnnBackendAttributeName_t name, std::initializer_list<const Descriptor*> values) {
    std::vector<cudnnBackendDescriptor_t> raws;
    for (const Descriptor* d : values) raws.push_back(d->raw());
    return set(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, raws.data(), raws.size());
  }
  Descriptor& finalize() {
    cudnn_->check(cudnn_->finalize(raw_), "cudnnBackendFinalize", what_);
    return *this;
  }
  /// For what may be refused because it is not supported.
  bool try_finalize() { return cudnn_->finalize(raw_) == CUDNN_STATUS_SUCCESS; }

  /// Up to `most` values; 0 of them where the attribute is not set.
  template <class T>
  std::vector<T> get(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::size_t most) const {
    std::vector<T> values(most);
    std::int64_t count = 0;
    cudnn_->check(cudnn_->get_attribute(raw_, name, type, std::int64_t(most), &count, values.data()), "cudnnBackendGetAttribute", what_);
    values.resize(std::min(most, std::size_t(count)));
    return values;
  }
  std::size_t count(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type) const {
    std::int64_t count = 0;
    cudnn_->check(cudnn_->get_attribute(raw_, name, type, 0, &count, nullptr), "cudnnBackendGetAttribute", what_);
    return std::size_t(count);
  }
  /// Reads into a descriptor that is there already.
  void get(cudnnBackendAttributeName_t name, Descriptor& to) const {
    std::int64_t count = 0;
    cudnn_->check(cudnn_->get_attribute(raw_, name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &count, &to.raw_), "cudnnBackendGetAttribute", what_);
  }

 private:
  const Cudnn* cudnn_;
  std::string what_;
  cudnnBackendDescriptor_t raw_ = nullptr;
};

/// What a convolution goes over: [batch][channels][height][width] to [batch][filters][out_height][out_width]. Of kernel,
/// stride, pad and dilation, rows then columns.
struct ConvShape {
  using Pair = std::array<std::int64_t, 2>;
  int batch, channels, height, width, filters, out_height, out_width;
  Pair kernel, stride{1, 1}, pad{0, 0}, dilation{1, 1};
  int groups = 1;
  friend auto operator<=>(const ConvShape&, const ConvShape&) = default;
};

enum class ConvKind {
  forward,           ///< y = w * x + b
  forward_relu,      ///< y = max(0, w * x + b)
  forward_bare,      ///< y = w * x
  backward_data,     ///< dx = (or +=) w^T * dy
  backward_weights,  ///< dw = (or +=) dy * x
};

/// A convolution to be planned, and under what conditions.
struct ConvQuery {
  ConvKind kind;
  ConvShape shape;
  bool add = false;
  bool tf32 = false;           ///< tensor cores may round inputs to 10 bits
  bool deterministic = false;  ///< the same bytes from run to run
  friend auto operator<=>(const ConvQuery&, const ConvQuery&) = default;

  std::string text() const {
    static constexpr const char* names[] = {"convolution", "convolution with ReLU", "convolution without bias", "convolution's input gradient",
                                            "convolution's weight gradient"};
    std::ostringstream text;
    const auto size = [&](int c, int h, int w) { text << c << 'x' << h << 'x' << w; };
    const auto pair = [&](const char* name, const ConvShape::Pair& p) {
      text << ", " << name << ' ' << p[0];
      if (p[0] != p[1]) text << 'x' << p[1];
    };
    const ConvShape& s = shape;
    text << names[int(kind)] << " of " << s.batch << " x ";
    size(s.channels, s.height, s.width);
    text << " to ";
    size(s.filters, s.out_height, s.out_width);
    pair("kernel", s.kernel);
    pair("stride", s.stride);
    pair("pad", s.pad);
    if (s.dilation != ConvShape::Pair{1, 1}) pair("dilation", s.dilation);
    if (s.groups != 1) text << ", " << s.groups << " groups";
    return text.str();
  }
};

/// The numbers by which pointers are handed to a plan.
struct ConvIds {
  static constexpr std::int64_t x = 1, w = 2, y = 3, bias = 4, sum = 5, biased = 6;
};

/// One way of doing a convolution: cuDNN's execution plan, good while its configuration and graph are there.
struct ConvPlan {
  Descriptor plan;
  Descriptor configuration;
  std::size_t workspace;  ///< bytes
  std::int64_t engine;
  bool deterministic;
  bool tensor_cores;
};

/// cuDNN's operation graph of a convolution: float tensors in [n][c][h][w] order that begin at multiples of 16 bytes.
class ConvGraph {
 public:
  ConvGraph(const Cudnn& cudnn, const ConvQuery& query) : cudnn_(cudnn), q_(query), what_(query.text()) {
    const ConvShape& s = query.shape;
    const Descriptor& x = tensor(ConvIds::x, {s.batch, s.channels, s.height, s.width});
    // cuDNN takes the number of groups from the channels that the filters see.
    const Descriptor& w = tensor(ConvIds::w, {s.filters, s.channels / s.groups, s.kernel[0], s.kernel[1]});
    const Descriptor& y = tensor(ConvIds::y, {s.batch, s.filters, s.out_height, s.out_width});
    Descriptor& window = make(CUDNN_BACKEND_CONVOLUTION_DESCRIPTOR);
    window.set(CUDNN_ATTR_CONVOLUTION_COMP_TYPE, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT})
        .set(CUDNN_ATTR_CONVOLUTION_CONV_MODE, CUDNN_TYPE_CONVOLUTION_MODE, {CUDNN_CROSS_CORRELATION})
        .set<std::int64_t>(CUDNN_ATTR_CONVOLUTION_SPATIAL_DIMS, CUDNN_TYPE_INT64, {2})
        .set(CUDNN_ATTR_CONVOLUTION_DILATIONS, CUDNN_TYPE_INT64, s.dilation.data(), 2)
        .set(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES, CUDNN_TYPE_INT64, s.stride.data(), 2)
        .set(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS, CUDNN_TYPE_INT64, s.pad.data(), 2)
        .set(CUDNN_ATTR_CONVOLUTION_POST_PADDINGS, CUDNN_TYPE_INT64, s.pad.data(), 2)
        .finalize();
    const float alpha = 1, beta = query.add ? 1.0f : 0.0f;
    switch (query.kind) {
      case ConvKind::backward_data:
        operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC, {&window})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, {&w})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, {&y})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, {&x})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_ALPHA, CUDNN_TYPE_FLOAT, {alpha})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA, CUDNN_TYPE_FLOAT, {beta})
            .finalize();
        break;
      case ConvKind::backward_weights:
        operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR)
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC, {&window})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X, {&x})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY, {&y})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW, {&w})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_ALPHA, CUDNN_TYPE_FLOAT, {alpha})
            .set(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA, CUDNN_TYPE_FLOAT, {beta})
            .finalize();
        break;
      case ConvKind::forward_bare:
        forward(window, x, w, y);
        break;
      default: {
        const std::initializer_list<std::int64_t> out{s.batch, s.filters, s.out_height, s.out_width};
        const Descriptor& sum = tensor(ConvIds::sum, out, true);
        const Descriptor& bias = tensor(ConvIds::bias, {1, s.filters, 1, 1});
        forward(window, x, w, sum);
        if (query.kind == ConvKind::forward_relu) {
          const Descriptor& biased = tensor(ConvIds::biased, out, true);
          pointwise(CUDNN_POINTWISE_ADD, sum, &bias, biased);
          pointwise(CUDNN_POINTWISE_RELU_FWD, biased, nullptr, y);
        } else {
          pointwise(CUDNN_POINTWISE_ADD, sum, &bias, y);
        }
      }
    }
    Descriptor& graph = make(CUDNN_BACKEND_OPERATIONGRAPH_DESCRIPTOR);
    graph.set(CUDNN_ATTR_OPERATIONGRAPH_OPS, CUDNN_TYPE_BACKEND_DESCRIPTOR, operations_.data(), operations_.size()).finalize();
    graph_ = &graph;
  }

  /// The plans that obey the query, by cuDNN's own ranking, with at most so much workspace; at most `most` of them.
  std::vector<ConvPlan> plans(const Descriptor& device, std::size_t workspace, std::size_t most) const {
    std::vector<ConvPlan> plans;
    for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
      Descriptor heuristics(cudnn_, CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR, what_);
      heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, {graph_})
          .set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, {mode})
          .set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, {&device});
      if (!heuristics.try_finalize()) continue;
      std::vector<Descriptor> configurations;
      std::vector<cudnnBackendDescriptor_t> raws;
      const std::size_t count = heuristics.count(CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR);
      for (std::size_t i = 0; i < count; ++i) {
        configurations.emplace_back(cudnn_, CUDNN_BACKEND_ENGINECFG_DESCRIPTOR, what_);
        raws.push_back(configurations.back().raw());
      }
      std::int64_t filled = 0;
      cudnn_.check(cudnn_.get_attribute(heuristics.raw(), CUDNN_ATTR_ENGINEHEUR_RESULTS, CUDNN_TYPE_BACKEND_DESCRIPTOR, std::int64_t(count), &filled,
                                        raws.data()), "cudnnBackendGetAttribute", what_);
      for (std::size_t i = 0; i < std::size_t(filled) && plans.size() < most; ++i) consider(std::move(configurations[i]), device, workspace, plans);
    }
    return plans;
  }

 private:
  void consider(Descriptor configuration, const Descriptor& device, std::size_t workspace, std::vector<ConvPlan>& plans) const {
    Descriptor engine(cudnn_, CUDNN_BACKEND_ENGINE_DESCRIPTOR, what_);
    configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, engine);
    const auto notes = engine.get<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    const auto behavior = engine.get<cudnnBackendBehaviorNote_t>(CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);
    const auto has = [](const auto& list, auto note) { return std::find(list.begin(), list.end(), note) != list.end(); };
    const bool tensor_cores = has(notes, CUDNN_NUMERICAL_NOTE_TENSOR_CORE), random = has(notes, CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC);
    if (tensor_cores && !q_.tf32) return;
    if (random && q_.deterministic) return;
    if (has(notes, CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) return;
    // What has to be compiled when it is first run costs seconds and gains nothing here.
    if (has(behavior, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION)) return;
    Descriptor plan(cudnn_, CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR, what_);
    plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, {&configuration}).set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, {&device});
    if (!plan.try_finalize()) return;
    const auto bytes = std::size_t(plan.get<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, CUDNN_TYPE_INT64, 1).at(0));
    const auto index = engine.get<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, CUDNN_TYPE_INT64, 1).at(0);
    if (bytes <= workspace) plans.push_back({std::move(plan), std::move(configuration), bytes, index, !random, tensor_cores});
  }

  Descriptor& make(cudnnBackendDescriptorType_t type) {
    parts_.push_back(std::make_unique<Descriptor>(cudnn_, type, what_));
    return *parts_.back();
  }
  Descriptor& operation(cudnnBackendDescriptorType_t type) {
    Descriptor& d = make(type);
    operations_.push_back(d.raw());
    return d;
  }
  const Descriptor& tensor(std::int64_t id, std::initializer_list<std::int64_t> sizes, bool is_virtual = false) {
    std::vector<std::int64_t> strides(sizes.size(), 1);
    for (std::size_t i = sizes.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * sizes.begin()[i];
    return make(CUDNN_BACKEND_TENSOR_DESCRIPTOR)
        .set(CUDNN_ATTR_TENSOR_DATA_TYPE, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT})
        .set(CUDNN_ATTR_TENSOR_DIMENSIONS, CUDNN_TYPE_INT64, sizes)
        .set(CUDNN_ATTR_TENSOR_STRIDES, CUDNN_TYPE_INT64, strides.data(), strides.size())
        .set<std::int64_t>(CUDNN_ATTR_TENSOR_BYTE_ALIGNMENT, CUDNN_TYPE_INT64, {16})
        .set(CUDNN_ATTR_TENSOR_UNIQUE_ID, CUDNN_TYPE_INT64, {id})
        .set(CUDNN_ATTR_TENSOR_IS_VIRTUAL, CUDNN_TYPE_BOOLEAN, {is_virtual})
        .finalize();
  }
  void forward(const Descriptor& window, const Descriptor& x, const Descriptor& w, const Descriptor& y) {
    operation(CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR)
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, {&window})
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, {&x})
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, {&w})
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, {&y})
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_ALPHA, CUDNN_TYPE_FLOAT, {1.0f})
        .set(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_BETA, CUDNN_TYPE_FLOAT, {0.0f})
        .finalize();
  }
  void pointwise(cudnnPointwiseMode_t mode, const Descriptor& x, const Descriptor* b, const Descriptor& y) {
    Descriptor& how = make(CUDNN_BACKEND_POINTWISE_DESCRIPTOR);
    how.set(CUDNN_ATTR_POINTWISE_MODE, CUDNN_TYPE_POINTWISE_MODE, {mode})
        .set(CUDNN_ATTR_POINTWISE_MATH_PREC, CUDNN_TYPE_DATA_TYPE, {CUDNN_DATA_FLOAT})
        .finalize();
    Descriptor& op = operation(CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR);
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR, {&how}).set(CUDNN_ATTR_OPERATION_POINTWISE_XDESC, {&x});
    if (b) op.set(CUDNN_ATTR_OPERATION_POINTWISE_BDESC, {b});
    op.set(CUDNN_ATTR_OPERATION_POINTWISE_YDESC, {&y}).finalize();
  }

  const Cudnn& cudnn_;
  ConvQuery q_;
  std::string what_;
  std::vector<std::unique_ptr<Descriptor>> parts_;
  std::vector<cudnnBackendDescriptor_t> operations_;
  const Descriptor* graph_ = nullptr;
};

/// The device that plans are made for: the one in this machine, or one described by cuDNN's JSON.
inline Descriptor planning_device(const Cudnn& cudnn, int device) {
  Descriptor d(cudnn, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "device " + std::to_string(device));
  d.set<std::int32_t>(CUDNN_ATTR_DEVICEPROP_DEVICE_ID, CUDNN_TYPE_INT32, {device}).finalize();
  return d;
}
inline Descriptor planning_device(const Cudnn& cudnn, const std::string& json) {
  Descriptor d(cudnn, CUDNN_BACKEND_DEVICEPROP_DESCRIPTOR, "a device's description");
  d.set(CUDNN_ATTR_DEVICEPROP_JSON_REPRESENTATION, CUDNN_TYPE_CHAR, json.c_str(), json.size() + 1).finalize();
  return d;
}

}  // namespace dropnet::cuda
