// cuDNN's graph API for one convolution with bias and ReLU. A descriptor keeps its attributes; executing a plan reads
// the operations that it was made for.

#include <cudnn.h>
#include <cudnn_backend.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <vector>

#include "standin.hpp"

struct cudnnContext {
  cudaStream_t stream = nullptr;
};

namespace {

struct Fake {
  cudnnBackendDescriptorType_t type;
  bool final = false;
  std::map<int, std::vector<char>> attributes;
  std::unique_ptr<Fake> owned{};  ///< the engine of a configuration

  template <class T>
  std::vector<T> all(int name) const {
    const auto it = attributes.find(name);
    if (it == attributes.end()) return {};
    std::vector<T> values(it->second.size() / sizeof(T));
    std::memcpy(values.data(), it->second.data(), values.size() * sizeof(T));
    return values;
  }
  template <class T>
  T one(int name) const { return all<T>(name).at(0); }
  Fake* child(int name) const { return one<Fake*>(name); }
  template <class T>
  void put(int name, std::vector<T> values) {
    const auto* bytes = reinterpret_cast<const char*>(values.data());
    attributes[name].assign(bytes, bytes + values.size() * sizeof(T));
  }
};

std::size_t size_of(cudnnBackendAttributeType_t type) {
  switch (type) {
    case CUDNN_TYPE_INT64: return 8;
    case CUDNN_TYPE_VOID_PTR: return sizeof(void*);
    case CUDNN_TYPE_BACKEND_DESCRIPTOR: return sizeof(void*);
    case CUDNN_TYPE_BOOLEAN: return sizeof(bool);
    case CUDNN_TYPE_CHAR: return 1;
    default: return 4;
  }
}

/// Three engines: 0, a nondeterministic 1, 2 with tensor cores, and 3 that turns out not to be supported.
constexpr std::int64_t engines = 4;

bool refused(const Fake& graph) {
  const auto operations = graph.all<Fake*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const int refuse = standin::machine().refuse_plans;
  if ((refuse & 1) && operations.size() > 1) return true;
  const Fake& op = *operations[0];
  const auto beta = op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? op.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA)
                    : op.type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_FILTER_DESCRIPTOR ? op.one<float>(CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA) : 0;
  return (refuse & 2) && beta != 0;
}

struct Tensor {
  std::vector<std::int64_t> sizes;
  std::int64_t id;
  explicit Tensor(const Fake& f) : sizes(f.all<std::int64_t>(CUDNN_ATTR_TENSOR_DIMENSIONS)), id(f.one<std::int64_t>(CUDNN_ATTR_TENSOR_UNIQUE_ID)) {}
  std::int64_t count() const { return sizes[0] * sizes[1] * sizes[2] * sizes[3]; }
};

/// Calls visit(index in x, in w, in y) for each product of the convolution.
template <class Visit>
void each_product(const Fake& window, const Tensor& x, const Tensor& w, const Tensor& y, Visit visit) {
  const auto stride = window.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_FILTER_STRIDES);
  const auto pad = window.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_PRE_PADDINGS);
  const auto dilation = window.all<std::int64_t>(CUDNN_ATTR_CONVOLUTION_DILATIONS);
  const std::int64_t groups = x.sizes[1] / w.sizes[1];
  for (std::int64_t n = 0, o = 0; n < y.sizes[0]; ++n)
    for (std::int64_t f = 0; f < y.sizes[1]; ++f)
      for (std::int64_t r = 0; r < y.sizes[2]; ++r)
        for (std::int64_t q = 0; q < y.sizes[3]; ++q, ++o)
          for (std::int64_t c = 0, first = f / (w.sizes[0] / groups) * w.sizes[1]; c < w.sizes[1]; ++c)
            for (std::int64_t kr = 0; kr < w.sizes[2]; ++kr)
              for (std::int64_t kq = 0; kq < w.sizes[3]; ++kq) {
                const std::int64_t row = r * stride[0] - pad[0] + kr * dilation[0], column = q * stride[1] - pad[1] + kq * dilation[1];
                if (row < 0 || row >= x.sizes[2] || column < 0 || column >= x.sizes[3]) continue;
                visit(((n * x.sizes[1] + first + c) * x.sizes[2] + row) * x.sizes[3] + column,
                      ((f * w.sizes[1] + c) * w.sizes[2] + kr) * w.sizes[3] + kq, o);
              }
}

using Pointers = std::map<std::int64_t, float*>;

void run(const std::vector<Fake*>& operations, Pointers at) {
  std::map<std::int64_t, std::vector<float>> between;
  const auto place = [&](const Tensor& t) {
    float*& p = at[t.id];
    if (!p) {
      between[t.id].resize(std::size_t(t.count()));
      p = between[t.id].data();
    }
    return p;
  };
  for (const Fake* op : operations) {
    if (op->type == CUDNN_BACKEND_OPERATION_POINTWISE_DESCRIPTOR) {
      const Tensor x(*op->child(CUDNN_ATTR_OPERATION_POINTWISE_XDESC)), y(*op->child(CUDNN_ATTR_OPERATION_POINTWISE_YDESC));
      const auto mode = op->child(CUDNN_ATTR_OPERATION_POINTWISE_PW_DESCRIPTOR)->one<cudnnPointwiseMode_t>(CUDNN_ATTR_POINTWISE_MODE);
      const float *from = place(x), *bias = mode == CUDNN_POINTWISE_ADD ? place(Tensor(*op->child(CUDNN_ATTR_OPERATION_POINTWISE_BDESC))) : nullptr;
      float* to = place(y);
      const std::int64_t plane = x.sizes[2] * x.sizes[3];
      for (std::int64_t i = 0; i < x.count(); ++i) to[i] = bias ? from[i] + bias[i / plane % x.sizes[1]] : from[i] <= 0 ? 0 : from[i];
      continue;
    }
    const auto part = [&](int forward, int data, int filter) {
      return op->child(op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR         ? forward
                       : op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR ? data : filter);
    };
    const Tensor x(*part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_X, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DX, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_X));
    const Tensor w(*part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_W, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DW));
    const Tensor y(*part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_Y, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_DY, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_DY));
    const Fake& window = *part(CUDNN_ATTR_OPERATION_CONVOLUTION_FORWARD_CONV_DESC, CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_CONV_DESC,
                               CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_CONV_DESC);
    const bool forward = op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_FORWARD_DESCRIPTOR;
    const bool data = op->type == CUDNN_BACKEND_OPERATION_CONVOLUTION_BACKWARD_DATA_DESCRIPTOR;
    const float beta = forward ? 0 : op->one<float>(data ? CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_DATA_BETA : CUDNN_ATTR_OPERATION_CONVOLUTION_BWD_FILTER_BETA);
    float *px = place(x), *pw = place(w), *py = place(y), *to = forward ? py : data ? px : pw;
    const Tensor& out = forward ? y : data ? x : w;
    std::vector<double> sums(std::size_t(out.count()));
    each_product(window, x, w, y, [&](std::int64_t i, std::int64_t k, std::int64_t o) {
      if (forward)
        sums[std::size_t(o)] += double(px[i]) * double(pw[k]);
      else if (data)
        sums[std::size_t(i)] += double(py[o]) * double(pw[k]);
      else
        sums[std::size_t(k)] += double(py[o]) * double(px[i]);
    });
    for (std::int64_t i = 0; i < out.count(); ++i) to[i] = float(sums[std::size_t(i)]) + (beta != 0 ? beta * to[i] : 0);
  }
}

}  // namespace

extern "C" {

size_t cudnnGetVersion() { return CUDNN_VERSION; }
const char* cudnnGetErrorString(cudnnStatus_t) { return "CUDNN_STATUS_FAILURE"; }
void cudnnGetLastErrorString(char* text, size_t size) {
  if (size) *text = 0;
}
cudnnStatus_t cudnnCreate(cudnnHandle_t* h) {
  *h = new cudnnContext;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroy(cudnnHandle_t h) {
  delete h;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetStream(cudnnHandle_t h, cudaStream_t s) {
  h->stream = s;
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBackendCreateDescriptor(cudnnBackendDescriptorType_t type, cudnnBackendDescriptor_t* d) {
  *d = new Fake{type, false, {}, {}};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendDestroyDescriptor(cudnnBackendDescriptor_t d) {
  delete static_cast<Fake*>(d);
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendSetAttribute(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t count,
                                       const void* values) {
  Fake& f = *static_cast<Fake*>(d);
  if (f.final) return CUDNN_STATUS_NOT_SUPPORTED;
  const char* bytes = static_cast<const char*>(values);
  f.attributes[name].assign(bytes, bytes + std::size_t(count) * size_of(type));
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendFinalize(cudnnBackendDescriptor_t d) {
  Fake& f = *static_cast<Fake*>(d);
  if (f.type == CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
    const Fake& engine = *f.child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->child(CUDNN_ATTR_ENGINECFG_ENGINE);
    const auto index = engine.one<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX);
    if (index == 3) return CUDNN_STATUS_NOT_SUPPORTED;
    f.put<std::int64_t>(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE, {index * 1000});
  }
  f.final = true;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendGetAttribute(cudnnBackendDescriptor_t d, cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, int64_t most,
                                       int64_t* count, void* values) {
  Fake& f = *static_cast<Fake*>(d);
  if (name == CUDNN_ATTR_ENGINEHEUR_RESULTS) {
    Fake* graph = f.child(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH);
    *count = refused(*graph) ? 0 : engines;
    for (std::int64_t i = 0; i < std::min(most, *count); ++i) {
      Fake& configuration = *static_cast<Fake*>(static_cast<cudnnBackendDescriptor_t*>(values)[i]);
      configuration.owned.reset(new Fake{CUDNN_BACKEND_ENGINE_DESCRIPTOR, true, {}, {}});
      Fake* engine = configuration.owned.get();
      engine->put<Fake*>(CUDNN_ATTR_ENGINE_OPERATION_GRAPH, {graph});
      engine->put<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX, {i});
      if (i == 1) engine->put<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, {CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC});
      if (i == 2) engine->put<cudnnBackendNumericalNote_t>(CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, {CUDNN_NUMERICAL_NOTE_TENSOR_CORE});
      configuration.put<Fake*>(CUDNN_ATTR_ENGINECFG_ENGINE, {engine});
    }
    return CUDNN_STATUS_SUCCESS;
  }
  const auto it = f.attributes.find(name);
  *count = it == f.attributes.end() ? 0 : std::int64_t(it->second.size() / size_of(type));
  if (!values || most == 0 || *count == 0) return CUDNN_STATUS_SUCCESS;
  if (type == CUDNN_TYPE_BACKEND_DESCRIPTOR)
    static_cast<Fake*>(*static_cast<cudnnBackendDescriptor_t*>(values))->attributes = f.child(name)->attributes;
  else
    std::memcpy(values, it->second.data(), std::size_t(std::min(most, *count)) * size_of(type));
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnBackendExecute(cudnnHandle_t handle, cudnnBackendDescriptor_t plan, cudnnBackendDescriptor_t pack) {
  const Fake& engine = *static_cast<Fake*>(plan)->child(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG)->child(CUDNN_ATTR_ENGINECFG_ENGINE);
  const auto operations = engine.child(CUDNN_ATTR_ENGINE_OPERATION_GRAPH)->all<Fake*>(CUDNN_ATTR_OPERATIONGRAPH_OPS);
  const Fake& p = *static_cast<Fake*>(pack);
  const auto ids = p.all<std::int64_t>(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS);
  const auto pointers = p.all<float*>(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS);
  Pointers at;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (!pointers[i] || reinterpret_cast<std::uintptr_t>(pointers[i]) % 16) return CUDNN_STATUS_BAD_PARAM;
    at[ids[i]] = pointers[i];
  }
  char* scratch = p.one<char*>(CUDNN_ATTR_VARIANT_PACK_WORKSPACE);
  const auto bytes = std::size_t(engine.one<std::int64_t>(CUDNN_ATTR_ENGINE_GLOBAL_INDEX)) * 1000;
  if (bytes && !scratch) return CUDNN_STATUS_BAD_PARAM;
  standin::submit(handle->stream, [=] {
    if (bytes) std::memset(scratch, 0xff, bytes);
    run(operations, at);
  });
  return CUDNN_STATUS_SUCCESS;
}

}  // extern "C"
