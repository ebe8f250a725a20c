#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
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
#include "dropnet/cuda/stream.hpp"
#include "dropnet/cuda/tile_cost.hpp"

namespace dropnet {

enum class Precision {
  fp32,  ///< single precision: a product's relative error is below 2^-20, where it is made of three on tensor cores, else 2^-24
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
  cudaStream_t stream() const { return lane().stream.raw; }
  template <class T>
  Buffer<T> buffer(std::size_t size) { return Buffer<T>(size, stream()); }
  void wait() {
    for (const auto& lane : state_->lanes)
      if (lane) cuda::check(cudaStreamSynchronize(lane->stream.raw), "cudaStreamSynchronize");
  }

  /// Queues work for which what is queued next does not wait, until `join`: till then nothing may write what it reads, or
  /// touch what it writes.
  template <class Work>
  void beside(Work&& work) {
    State& s = *state_;
    if (!s.lanes[1]) s.lanes[1].emplace(s);
    order(*s.lanes[0], *s.lanes[1]);
    s.forked = true;
    struct Back {
      State& state;
      ~Back() { state.lane = 0; }
    } back{s};
    s.lane = 1;
    std::forward<Work>(work)();
  }
  void join() {
    State& s = *state_;
    if (std::exchange(s.forked, false)) order(*s.lanes[1], *s.lanes[0]);
  }

  /// Which layer's ops are to come: errors name it.
  void enter(int layer) { state_->layer = layer; }
  int layer() const { return state_->layer; }

  /// Brings to the device what passes at this moment depend on. `mixes` by site.
  void begin(const Moment& moment, std::span<const Mix> mixes) {
    State& s = *state_;
    const kernels::Clock clock{moment.time(), moment.iteration, moment.rate};
    std::vector<std::byte> bytes(sizeof clock + mixes.size() * sizeof(kernels::SiteState));
    std::memcpy(bytes.data(), &clock, sizeof clock);
    for (std::size_t k = 0; k < mixes.size(); ++k) {
      const kernels::SiteState site{mixes[k].threshold, std::uint32_t(mixes[k].left_out), float(mixes[k].p)};
      std::memcpy(bytes.data() + sizeof clock + k * sizeof site, &site, sizeof site);
    }
    if (s.moment.size() < bytes.size()) s.moment = buffer<std::byte>(bytes.size());
    s.moment.upload(0, bytes);
  }
  const kernels::Clock* clock() const { return reinterpret_cast<const kernels::Clock*>(state_->moment.data()); }
  const kernels::SiteState* site(int k) const {
    return reinterpret_cast<const kernels::SiteState*>(state_->moment.data() + sizeof(kernels::Clock)) + k;
  }

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
    auto& kept = lane().scratch;
    // Smaller ones stay, for a recorded step may use them.
    if (kept.empty() || kept.back().size() < bytes) kept.push_back(buffer<std::byte>(bytes));
    return kept.back().data();
  }

  const cuda::Cudnn& cudnn() const { return state_->cudnn; }
  const cuda::Cublas& cublas() const { return state_->cublas; }
  cudnnHandle_t cudnn_handle() const { return lane().cudnn_handle.raw; }
  cublasHandle_t cublas_handle() const { return lane().cublas_handle.raw; }
  const cuda::Descriptor& planning_device() const { return state_->planning_device; }
  const cuda::Chip& chip() const { return state_->chip; }
  /// The convolutions that have been planned: with cuDNN's plan, or with a tile for dropnet's own kernel, or neither where
  /// there is no way.
  struct Planned {
    std::unique_ptr<cuda::ConvGraph> graph;
    std::optional<cuda::ConvPlan> plan;
    std::optional<kernels::ConvTile> tile;
  };
  std::map<cuda::ConvQuery, Planned>& plans() { return state_->plans; }
  /// The products of matrices that have been planned: with a tile for dropnet's own kernel, or for cuBLAS.
  std::map<kernels::Gemm, std::optional<kernels::GemmTile>>& gemms() { return state_->gemms; }

 private:
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

  struct State;
  /// Work in order, with libraries' handles and memory of its own.
  struct Lane {
    explicit Lane(const State& s) : cudnn_handle(s.cudnn, stream.raw), cublas_handle(s.cublas, stream.raw, s.options.precision) {}
    cuda::Stream stream;
    CudnnHandle cudnn_handle;
    CublasHandle cublas_handle;
    std::vector<Buffer<std::byte>> scratch;
    cuda::Mark mark;
  };
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
    cuda::Chip chip = cuda::chip(device);
    cuda::Descriptor planning_device = cuda::planning_device(cudnn, device);
    std::map<cuda::ConvQuery, Planned> plans;
    std::map<kernels::Gemm, std::optional<kernels::GemmTile>> gemms;
    std::optional<Lane> lanes[2];  // the second for what goes on beside
    int lane = 0;
    bool forked = false;
    Buffer<std::byte> moment{sizeof(kernels::Clock), lanes[0].emplace(*this).stream.raw};  // the clock, then the sites
    int layer = -1;
    std::map<int, Record> records;
  };
  /// What is queued on the lane `later` from now on waits for what is on `first`.
  static void order(const Lane& first, const Lane& later) {
    first.mark.set(first.stream.raw);
    first.mark.hold(later.stream.raw);
  }
  const Lane& lane() const { return *state_->lanes[state_->lane]; }
  Lane& lane() { return *state_->lanes[state_->lane]; }

  std::unique_ptr<State> state_;
};

}  // namespace dropnet
