#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cuda/backend.hpp"

namespace dropnet {

namespace cuda {

/// What a plan reads and writes; what it does not use stays null.
struct ConvPointers {
  const void* x;
  const void* w;
  const void* y;
  const void* bias;
};

inline void execute(Cuda& cuda, const ConvQuery& query, const ConvPlan& plan, const ConvPointers& at) {
  const Cudnn& cudnn = cuda.cudnn();
  Descriptor pack(cudnn, CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR, query.text());
  const bool biased = query.kind == ConvKind::forward || query.kind == ConvKind::forward_relu;
  const std::int64_t ids[] = {ConvIds::x, ConvIds::w, ConvIds::y, ConvIds::bias};
  const void* const pointers[] = {at.x, at.w, at.y, at.bias};
  void* scratch = plan.workspace ? cuda.scratch(plan.workspace) : nullptr;
  pack.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, ids, biased ? 4 : 3)
      .set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, pointers, biased ? 4 : 3)
      .set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, &scratch, 1)
      .finalize();
  cudnn.check(cudnn.execute(cuda.cudnn_handle(), plan.plan.raw(), pack.raw()), "cudnnBackendExecute", query.text());
}

/// Milliseconds of the fastest of a few runs, or infinity if the plan does not run.
inline float trial(Cuda& cuda, const ConvQuery& query, const ConvPlan& plan, const ConvPointers& at) {
  struct Event {
    cudaEvent_t raw = nullptr;
    Event() { check(cudaEventCreate(&raw), "cudaEventCreate"); }
    ~Event() { cudaEventDestroy(raw); }
  } begin, end;
  constexpr int warm_up = 1, runs = 5;
  float best = std::numeric_limits<float>::infinity();
  try {
    for (int i = 0; i < warm_up + runs; ++i) {
      check(cudaEventRecord(begin.raw, cuda.stream()), "cudaEventRecord");
      execute(cuda, query, plan, at);
      check(cudaEventRecord(end.raw, cuda.stream()), "cudaEventRecord");
      check(cudaEventSynchronize(end.raw), "cudaEventSynchronize");
      float time = 0;
      check(cudaEventElapsedTime(&time, begin.raw, end.raw), "cudaEventElapsedTime");
      if (i >= warm_up && time < best) best = time;
    }
  } catch (const Error&) {
    cudaGetLastError();
    return std::numeric_limits<float>::infinity();
  }
  return best;
}

/// The plan for a query, searched for once: the fastest of cuDNN's first, or, where the same bytes are wanted from run to
/// run, the first, for clocks vary. What is tried writes to a place of its own.
inline const std::optional<ConvPlan>& plan(Cuda& cuda, const ConvQuery& query, ConvPointers at) {
  auto& known = cuda.plans();
  if (const auto it = known.find(query); it != known.end()) return it->second.plan;
  auto graph = std::make_unique<ConvGraph>(cuda.cudnn(), query);
  auto candidates = graph->plans(cuda.planning_device(), cuda.options().workspace, query.deterministic ? 1 : 16);
  const ConvShape& s = query.shape;
  const std::size_t outputs = query.kind == ConvKind::backward_data      ? std::size_t(s.batch) * unsigned(s.channels * s.height * s.width)
                              : query.kind == ConvKind::backward_weights ? std::size_t(s.filters) * unsigned(s.channels / s.groups) * std::size_t(s.kernel[0] * s.kernel[1])
                                                                         : std::size_t(s.batch) * unsigned(s.filters * s.out_height * s.out_width);
  std::optional<ConvPlan> fastest;
  if (candidates.size() > 1) {
    auto output = cuda.buffer<float>(outputs);
    (query.kind == ConvKind::backward_data ? at.x : query.kind == ConvKind::backward_weights ? at.w : at.y) = output.data();
    float best = std::numeric_limits<float>::infinity();
    for (ConvPlan& candidate : candidates) {
      const float time = trial(cuda, query, candidate, at);
      if (!(time < best)) continue;
      best = time;
      fastest = std::move(candidate);
    }
    cuda.wait();
  } else if (!candidates.empty()) {
    fastest = std::move(candidates.front());
  }
  return known.emplace(query, Cuda::Planned{std::move(graph), std::move(fastest)}).first->second.plan;
}

/// Does a convolution if there is a plan for it.
inline bool try_convolve(Cuda& cuda, ConvKind kind, const ConvShape& shape, bool add, const ConvPointers& at) {
  const ConvQuery query{kind, shape, add, cuda.options().precision == Precision::tf32, cuda.options().deterministic};
  const auto& chosen = plan(cuda, query, at);
  if (chosen) execute(cuda, query, *chosen, at);
  return chosen.has_value();
}
inline void convolve(Cuda& cuda, ConvKind kind, const ConvShape& shape, bool add, const ConvPointers& at) {
  if (!try_convolve(cuda, kind, shape, add, at))
    throw Error("dropnet: Cuda: cuDNN has no plan for the " + ConvQuery{kind, shape, add}.text() + " within " +
                std::to_string(cuda.options().workspace >> 20) + " MiB of workspace" +
                (cuda.options().deterministic ? "; try without deterministic" : "; allow more with CudaOptions::workspace"));
}

template <class W>
ConvShape conv_shape(W, int batch) {
  using In = typename W::in;
  using Out = typename W::out;
  const auto pair = [](Size s) { return ConvShape::Pair{s.height, s.width}; };
  return {batch,           In::channels,     In::height,    In::width,           Out::channels, Out::height, Out::width,
          pair(W::kernel), pair(W::stride), pair(W::pad), pair(W::dilation), W::groups};
}

/// Bias, and ReLU if asked for, within the convolution where there is a plan, else behind it.
inline void conv_forward(Cuda& cuda, const ConvShape& s, bool relu, const float* x, const float* w, const float* b, float* y) {
  if (try_convolve(cuda, relu ? ConvKind::forward_relu : ConvKind::forward, s, false, {x, w, y, b})) return;
  convolve(cuda, ConvKind::forward_bare, s, false, {x, w, y, nullptr});
  kernels::add_bias(cuda.stream(), s.batch, s.filters, s.out_height * s.out_width, b, y);
  if (relu) kernels::relu_forward(cuda.stream(), std::size_t(s.batch) * unsigned(s.filters * s.out_height * s.out_width), y, y);
}

}  // namespace cuda

template <class W>
void conv_forward(Cuda& cuda, W window, Blob<float, typename W::in> x, Weight<float> w, Weight<float> b, Blob<float, typename W::out> y) {
  cuda::conv_forward(cuda, cuda::conv_shape(window, x.batch), false, x.data, w.data, b.data, y.data);
}

/// y = max(0, w * x + b).
template <class W>
void conv_relu_forward(Cuda& cuda, W window, Blob<float, typename W::in> x, Weight<float> w, Weight<float> b, Blob<float, typename W::out> y) {
  cuda::conv_forward(cuda, cuda::conv_shape(window, x.batch), true, x.data, w.data, b.data, y.data);
}

template <class W>
void conv_backward(Cuda& cuda, W window, Blob<float, typename W::in> x, Weight<float> w, Weight<float> b, Blob<float, typename W::out> y) {
  const cuda::ConvShape shape = cuda::conv_shape(window, x.batch);
  if (w.diff) cuda::convolve(cuda, cuda::ConvKind::backward_weights, shape, w.add, {x.data, w.diff, y.diff, nullptr});
  if (b.diff) kernels::bias_gradient(cuda.stream(), x.batch, shape.filters, shape.out_height * shape.out_width, y.diff, b.diff, b.add);
  if (x.diff) cuda::convolve(cuda, cuda::ConvKind::backward_data, shape, x.add, {x.diff, w.data, y.diff, nullptr});
}

}  // namespace dropnet
