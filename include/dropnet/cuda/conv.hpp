#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/cuda/conv_tile.hpp"
#include "dropnet/cuda/trial.hpp"

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

/// A convolution as dropnet's own kernels see it; none if they do not do it.
inline std::optional<kernels::Convolution> own(const ConvQuery& query) {
  const ConvShape& s = query.shape;
  const int kernel = int(s.kernel[0]);
  if ((kernel != 3 && kernel != 5) || s.kernel[1] != kernel || s.stride != ConvShape::Pair{1, 1} || s.dilation != ConvShape::Pair{1, 1} || s.groups != 1 ||
      s.pad[0] >= kernel || s.pad[1] >= kernel) return {};
  const int rows = int(s.pad[0]), columns = int(s.pad[1]);
  if (query.kind == ConvKind::backward_data)
    return kernels::Convolution{s.batch,  s.filters, s.out_height,      s.out_width,          s.channels, s.height,
                                s.width, kernel,    kernel - 1 - rows, kernel - 1 - columns, true,       query.add, false, query.tf32};
  return kernels::Convolution{s.batch,     s.channels, s.height, s.width, s.filters, s.out_height,
                              s.out_width, kernel,     rows,     columns, false,     query.add, query.kind == ConvKind::forward_relu, query.tf32};
}

/// Does what the query asks for in the way that was found. In a weight gradient the bias is the bias's gradient, and may be null.
inline void run(Cuda& cuda, const ConvQuery& query, const ConvPlan* plan, const kernels::ConvTile* tile, const ConvPointers& at) {
  const ConvShape& s = query.shape;
  const auto in = [](const void* p) { return static_cast<const float*>(p); };
  const auto out = [](const void* p) { return static_cast<float*>(const_cast<void*>(p)); };
  if (plan) execute(cuda, query, *plan, at);
  if (query.kind == ConvKind::backward_weights) {
    if (plan && at.bias) kernels::bias_gradient(cuda.stream(), s.batch, s.filters, s.out_height * s.out_width, in(at.y), out(at.bias), query.add);
    if (tile) {
      const auto convolution = *own(query);
      auto* const parts = static_cast<float*>(cuda.scratch(sizeof(float) * kernels::conv_parts(convolution, *tile)));
      kernels::conv_weight_gradient(cuda.stream(), convolution, *tile, in(at.x), in(at.y), out(at.w), out(at.bias), parts);
    }
  } else if (tile) {
    const bool turned = query.kind == ConvKind::backward_data;
    kernels::conv_forward(cuda.stream(), *own(query), *tile, in(turned ? at.y : at.x), in(at.w), in(at.bias), out(turned ? at.x : at.y));
  }
}

/// The way for a query, searched for once: the fastest of cuDNN's first plans and of the first tiles for dropnet's own
/// kernel. Where the same bytes are wanted from run to run nothing is timed, for clocks vary: dropnet's own kernel is taken
/// for few channels, else cuDNN's first plan. What is tried writes to a place of its own.
inline const Cuda::Planned& plan(Cuda& cuda, const ConvQuery& query, ConvPointers at) {
  auto& known = cuda.plans();
  if (const auto it = known.find(query); it != known.end()) return it->second;
  const ConvShape& s = query.shape;
  const bool weights = query.kind == ConvKind::backward_weights, data = query.kind == ConvKind::backward_data;
  const auto convolution = own(query);
  std::vector<kernels::ConvTile> tiles;
  const bool small = std::max(s.channels, s.filters) <= 64;
  if (convolution && cuda.chip().tensor_cores && (small || !query.deterministic)) {
    const std::size_t most = query.deterministic ? 1 : 8;
    tiles = weights ? weight_gradient_tiles(*convolution, cuda.chip(), most) : forward_tiles(*convolution, cuda.chip(), most);
  }
  Cuda::Planned found{std::make_unique<ConvGraph>(cuda.cudnn(), query), {}, {}};
  if (query.deterministic && !tiles.empty()) {
    found.tile = tiles.front();
    return known.emplace(query, std::move(found)).first->second;
  }
  auto plans = found.graph->plans(cuda.planning_device(), cuda.options().workspace, query.deterministic ? 1 : 16);
  if (plans.size() + tiles.size() > 1) {
    cuda.wait();  // or what goes on beside would be timed too
    const std::size_t outputs = data      ? std::size_t(s.batch) * unsigned(s.channels * s.height * s.width)
                                : weights ? std::size_t(s.filters) * unsigned(s.channels / s.groups) * std::size_t(s.kernel[0] * s.kernel[1]) + unsigned(s.filters)
                                          : std::size_t(s.batch) * unsigned(s.filters * s.out_height * s.out_width);
    auto output = cuda.buffer<float>(outputs);
    (data ? at.x : weights ? at.w : at.y) = output.data();
    if (weights && at.bias) at.bias = output.data() + (outputs - unsigned(s.filters));
    float best = std::numeric_limits<float>::infinity();
    const auto faster = [&](const ConvPlan* plan, const kernels::ConvTile* tile) {
      const float time = trial(cuda, [&] { run(cuda, query, plan, tile, at); });
      return time < best && (best = time, true);
    };
    for (ConvPlan& plan : plans)
      if (faster(&plan, nullptr)) found.plan = std::move(plan);
    for (const kernels::ConvTile& tile : tiles)
      if (faster(nullptr, &tile)) found.tile = tile;
    if (found.tile) found.plan.reset();
    cuda.wait();
  } else if (!plans.empty()) {
    found.plan = std::move(plans.front());
  } else if (!tiles.empty()) {
    found.tile = tiles.front();
  }
  return known.emplace(query, std::move(found)).first->second;
}

/// Does a convolution if there is a way.
inline bool try_convolve(Cuda& cuda, ConvKind kind, const ConvShape& shape, bool add, const ConvPointers& at) {
  const ConvQuery query{kind, shape, add, cuda.options().precision == Precision::tf32, cuda.options().deterministic};
  const Cuda::Planned& way = plan(cuda, query, at);
  if (!way.plan && !way.tile) return false;
  run(cuda, query, way.plan ? &*way.plan : nullptr, way.tile ? &*way.tile : nullptr, at);
  return true;
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
  kernels::add_bias(cuda.stream(), s.batch, s.filters, s.out_height * s.out_width, b, relu, y);
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
  const auto weights = [&] {
    if (w.diff) cuda::convolve(cuda, cuda::ConvKind::backward_weights, shape, w.add, {x.data, w.diff, y.diff, b.add == w.add ? b.diff : nullptr});
    if (b.diff && (!w.diff || b.add != w.add)) kernels::bias_gradient(cuda.stream(), x.batch, shape.filters, shape.out_height * shape.out_width, y.diff, b.diff, b.add);
  };
  if (!x.diff) return weights();
  cuda.beside(weights);
  cuda::convolve(cuda, cuda::ConvKind::backward_data, shape, x.add, {x.diff, w.data, y.diff, nullptr});
}

}  // namespace dropnet
