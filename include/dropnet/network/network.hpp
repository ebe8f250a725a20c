#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "dropnet/core/scope.hpp"
#include "dropnet/core/tensor.hpp"
#include "dropnet/network/architecture.hpp"
#include "dropnet/network/plan.hpp"
#include "dropnet/network/workspace.hpp"
#include "dropnet/network/fill.hpp"

namespace dropnet {

struct Cpu;

/// Layers with weights. A network is its weights and how far each site has grown; everything else is a Workspace.
/// A copy has its own weights. All const members may be called from any number of threads.
template <class Spec, class Input, class Backend = Cpu, class T = float>
class Network {
  static_assert(Backend::template computes<T>, "dropnet: Network: the backend does not compute in this type; use float");

 public:
  using spec_type = Spec;
  using input = Input;
  using output = decltype(Spec::output(Input{}));
  using backend = Backend;
  using scalar = T;
  using workspace = Workspace<Network>;

  /// Throws Error if a Dynamic count was not given.
  explicit Network(Fill fill = {}, Seed seed = {}) : Network(Spec{}, fill, seed) {}
  explicit Network(Spec spec, Fill fill = {}, Seed seed = {}) : Network(spec, no_fill) {
    for (std::size_t i = 0; i < architecture_.tensors.size(); ++i) {
      const TensorInfo& t = architecture_.tensors[i];
      std::vector<T> values(t.size);
      fill.tensor(t, Random(seed, Random::filler, int(i), 0), std::span(values));
      write(t, values);
    }
  }
  struct NoFill {};
  static constexpr NoFill no_fill{};
  /// All weights zero: for weights that are set afterwards.
  Network(Spec spec, NoFill)
      : spec_(spec),
        architecture_(Architecture::of(spec_, Input{})),
        weights_(architecture_.extent.weights),
        shares_(architecture_.sites.size()) {}

  const Spec& spec() const { return spec_; }
  const Architecture& architecture() const { return architecture_; }
  const Extent& extent() const { return architecture_.extent; }

  /// The arena that holds all weights; `architecture().tensors` says where each one lies.
  auto& weights() { return weights_; }
  const auto& weights() const { return weights_; }
  std::vector<T> read(const TensorInfo& t) const {
    std::vector<T> values(t.size);
    weights_.download(t.offset, values);
    return values;
  }
  void write(const TensorInfo& t, std::span<const T> values) { weights_.upload(t.offset, values); }

  /// How far each site has grown. A new network stands complete; a trainer sets the shares of its schedule.
  std::span<const Share> shares() const { return shares_; }
  std::span<Share> shares() { return shares_; }
  /// Whether a site runs: it and all sites around it let something in.
  bool is_open(int site) const {
    for (; site >= 0; site = architecture_.sites[std::size_t(site)].parent)
      if (shares_[std::size_t(site)].closed()) return false;
    return true;
  }

  /// Fills ws.output() from ws.input().
  void forward(workspace& ws, Moment moment = {}, Probe<T>* probe = nullptr) const {
    ws.begin(*this, moment);
    queue_forward(ws, probe);
    ws.backend().wait();
  }
  /// Goes back along the last forward: takes ws.output().diff and writes the gradients. Uses up what forward left: once for each.
  void backward(workspace& ws, Probe<T>* probe = nullptr) const {
    queue_backward(ws, probe);
    ws.backend().wait();
  }
  /// The same at the moment that ws.begin has set, without waiting for an asynchronous backend.
  void queue_forward(workspace& ws, Probe<T>* probe = nullptr) const {
    named(ws, [&] {
      const auto pass = ws.pass(*this, probe);
      spec_.forward(Scope<Backend, T>(pass, Extent{}), ws.input(), ws.output());
    });
  }
  void queue_backward(workspace& ws, Probe<T>* probe = nullptr) const {
    named(ws, [&] {
      const auto pass = ws.pass(*this, probe);
      spec_.backward(Scope<Backend, T>(pass, Extent{}), ws.input(), ws.output());
      if constexpr (Backend::asynchronous) ws.backend().join();
    });
  }

  /// The network's outputs for a batch, without softmax. Pass a workspace to use one again.
  Tensor<output, T> predict(const Tensor<Input, T>& images) const {
    workspace ws(*this, images.batch());
    return predict(images, ws);
  }
  Tensor<output, T> predict(const Tensor<Input, T>& images, workspace& ws) const {
    ws.load(images.values());
    forward(ws);
    Tensor<output, T> y(images.batch());
    ws.outputs(y.values());
    return y;
  }

 private:
  /// Puts the layer's name to what went wrong on a device.
  template <class Work>
  void named(workspace& ws, Work work) const {
    if constexpr (Backend::asynchronous) {
      ws.backend().enter(-1);
      try {
        work();
      } catch (const Error& e) {
        const int layer = ws.backend().layer();
        throw Error(e.what() + (layer < 0 ? std::string() : " (layer " + architecture_.layers[std::size_t(layer)].name + ")"));
      }
    } else {
      work();
    }
  }

  Spec spec_;
  Architecture architecture_;
  typename Backend::template Buffer<T> weights_;
  std::vector<Share> shares_;
};

}  // namespace dropnet
