#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "dropnet/core/moment.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/cuda/buffer.hpp"
#include "dropnet/cuda/conv_plan.hpp"
#include "dropnet/cuda/graph.hpp"
#include "dropnet/cuda/kernels.hpp"
#include "dropnet/cuda/library.hpp"

namespace dropnet {

enum class Precision {
  fp32,  ///< IEEE single precision
  tf32,  ///< products on tensor cores with inputs rounded to 10 bits, sums in single precision
};

struct CudaOptions {
  Precision precision = Precision::fp32;
  bool deterministic = false;                    ///< the same bytes from run to run
  bool graphs = true;                            ///< record a training step once and replay it
  std::size_t workspace = std::size_t(256) << 20;  ///< bytes that a convolution may take beside its tensors
};

/// The calling thread's current NVIDIA GPU (the first, unless cudaSetDevice was called) with a stream of its own, cuDNN,
/// cuBLAS and dropnet's kernels. Ops are queued; `wait` ends when they are done. Single precision only.
class Cuda {
 public:
  static constexpr bool asynchronous = true;
  template <class T>
  using Buffer = cuda::DeviceBuffer<T>;

  template <class T>
  static constexpr bool computes = std::is_same_v<T, float>;

  /// Throws Error if a device, a driver or a library is missing.
  explicit Cuda(CudaOptions options) : state_(std::make_unique<State>(options)) {}
  Cuda() : Cuda(CudaOptions{}) {}
  static Cuda standard() { return {}; }

  const CudaOptions& options() const { return state_->options; }
  cudaStream_t stream() const { return state_->stream.raw; }
  template <class T>
  Buffer<T> buffer(std::size_t size) { return Buffer<T>(size, stream()); }
  void wait() { cuda::check(cudaStreamSynchronize(stream()), "cudaStreamSynchronize"); }

  /// Which layer's ops are to come: errors name it.
  void enter(int layer) { state_->layer = layer; }
  int layer() const { return state_->layer; }

  /// Brings to the device what passes at this moment depend on. `mixes` by site.
  void begin(const Moment& moment, std::span<const Mix> mixes) {
    State& s = *state_;
    const kernels::Clock clock{moment.time(), moment.iteration, moment.rate};
    s.clock.upload(0, {&clock, 1});
    std::vector<kernels::SiteState> sites;
    for (const Mix& m : mixes) sites.push_back({m.threshold, std::uint32_t(m.left_out), float(m.p)});
    if (s.sites.size() < sites.size()) s.sites = buffer<kernels::SiteState>(sites.size());
    s.sites.upload(0, sites);
  }
  const kernels::Clock* clock() const { return state_->clock.data(); }
  const kernels::SiteState* site(int k) const { return state_->sites.data() + k; }

  /// The first time that sites are open to this degree, does `work`; then records it; then replays the record. One record
  /// is kept for each kind of work.
  template <class Work>
  void replay(int kind, std::span<const Share> shares, Work&& work) {
    if (!state_->options.graphs) return work();
    Record& record = state_->records[kind];
    std::vector<int> key;
    for (const Share& share : shares) key.push_back(share.closed() ? -1 : share.complete() ? -2 : int(share.mask));
    if (!record.key || *record.key != key) {
      record = {std::move(key), {}};
      return work();
    }
    if (!record.graph) record.graph = cuda::Graph(stream(), std::forward<Work>(work));
    record.graph.launch(stream());
  }
  /// Kernels, copies and fills in what is recorded.
  std::size_t graph_nodes() const {
    std::size_t nodes = 0;
    for (const auto& [kind, record] : state_->records) nodes += record.graph.nodes();
    return nodes;
  }

  /// Device memory that stays an op's own until the next op. What it holds is left open.
  void* scratch(std::size_t bytes) {
    auto& kept = state_->scratch;
    // Smaller ones stay, for a recorded step may use them.
    if (kept.empty() || kept.back().size() < bytes) kept.push_back(buffer<std::byte>(bytes));
    return kept.back().data();
  }

  const cuda::Cudnn& cudnn() const { return state_->cudnn; }
  const cuda::Cublas& cublas() const { return state_->cublas; }
  cudnnHandle_t cudnn_handle() const { return state_->cudnn_handle.raw; }
  cublasHandle_t cublas_handle() const { return state_->cublas_handle.raw; }
  const cuda::Descriptor& planning_device() const { return state_->planning_device; }
  /// The convolutions that have been planned, with the fastest plan, or none where there is none.
  struct Planned {
    std::unique_ptr<cuda::ConvGraph> graph;
    std::optional<cuda::ConvPlan> plan;
  };
  std::map<cuda::ConvQuery, Planned>& plans() { return state_->plans; }

 private:
  struct Stream {
    cudaStream_t raw = nullptr;
    Stream() { cuda::check(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
    ~Stream() { cudaStreamDestroy(raw); }
  };
  struct CudnnHandle {
    const cuda::Cudnn& cudnn;
    cudnnHandle_t raw = nullptr;
    CudnnHandle(const cuda::Cudnn& c, cudaStream_t stream) : cudnn(c) {
      c.check(c.create(&raw), "cudnnCreate", "start");
      c.check(c.set_stream(raw, stream), "cudnnSetStream", "start");
    }
    ~CudnnHandle() { cudnn.destroy(raw); }
  };
  struct CublasHandle {
    const cuda::Cublas& cublas;
    Buffer<std::byte> workspace;
    cublasHandle_t raw = nullptr;
    CublasHandle(const cuda::Cublas& c, cudaStream_t stream, Precision precision) : cublas(c), workspace(std::size_t(32) << 20, stream) {
      c.check(c.create(&raw), "cublasCreate", "start");
      c.check(c.set_stream(raw, stream), "cublasSetStream", "start");
      // Its own workspace, set after the stream: capture needs it, and sums then come in one order.
      c.check(c.set_workspace(raw, workspace.data(), workspace.size()), "cublasSetWorkspace", "start");
      c.check(c.set_math_mode(raw, precision == Precision::tf32 ? CUBLAS_TF32_TENSOR_OP_MATH : CUBLAS_DEFAULT_MATH), "cublasSetMathMode", "start");
    }
    ~CublasHandle() { cublas.destroy(raw); }
  };

  static int current_device() {
    cuda::require_device();
    int device = 0;
    cuda::check(cudaGetDevice(&device), "cudaGetDevice");
    return device;
  }

  struct Record {
    std::optional<std::vector<int>> key;
    cuda::Graph graph;
  };
  struct State {
    explicit State(CudaOptions o) : options(o) {}
    CudaOptions options;
    int device = current_device();
    cuda::Cudnn cudnn;
    cuda::Cublas cublas;
    Stream stream;
    CudnnHandle cudnn_handle{cudnn, stream.raw};
    CublasHandle cublas_handle{cublas, stream.raw, options.precision};
    cuda::Descriptor planning_device = cuda::planning_device(cudnn, device);
    std::map<cuda::ConvQuery, Planned> plans;
    Buffer<kernels::Clock> clock{1, stream.raw};
    Buffer<kernels::SiteState> sites;
    std::vector<Buffer<std::byte>> scratch;
    int layer = -1;
    std::map<int, Record> records;
  };

  std::unique_ptr<State> state_;
};

}  // namespace dropnet
