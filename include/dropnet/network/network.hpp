#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "dropnet/core/scope.hpp"
#include "dropnet/core/tensor.hpp"
#include "dropnet/network/any_network.hpp"
#include "dropnet/network/plan.hpp"
#include "dropnet/network/workspace.hpp"
#include "dropnet/network/fill.hpp"

namespace dropnet {

struct Cpu;

namespace detail {

template <class Backend, class T>
void fill(AnyNetwork<Backend, T>& net, Fill fill, Seed seed) {
  const auto& tensors = net.architecture().tensors;
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    std::vector<T> values(tensors[i].size);
    fill.tensor(tensors[i], Random(seed, Random::filler, int(i), 0), std::span(values));
    net.write(tensors[i], values);
  }
}

/// Puts the layer's name to what went wrong on a device.
template <class Backend, class T, class Work>
void named(const AnyNetwork<Backend, T>& net, AnyWorkspace<Backend, T>& ws, Work work) {
  if constexpr (Backend::asynchronous) {
    ws.backend().enter(-1);
    try {
      work();
    } catch (const Error& e) {
      const int layer = ws.backend().layer();
      throw Error(e.what() + (layer < 0 ? std::string() : " (layer " + net.architecture().layers[std::size_t(layer)].name + ")"));
    }
  } else {
    work();
  }
}

}  // namespace detail

/// Layers with weights. A network is its weights and how far each site has grown; everything else is a Workspace.
/// A copy has its own weights. All const members may be called from any number of threads.
template <class Spec, class Input, class Backend = Cpu, class T = float>
class Network : public AnyNetwork<Backend, T> {
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
  explicit Network(Spec spec, Fill fill = {}, Seed seed = {}) : Network(spec, no_fill) { detail::fill(*this, fill, seed); }
  struct NoFill {};
  static constexpr NoFill no_fill{};
  /// All weights zero: for weights that are set afterwards.
  Network(Spec spec, NoFill) : AnyNetwork<Backend, T>(Architecture::of(spec, Input{})), spec_(spec) {}

  const Spec& spec() const { return spec_; }

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
  /// The same at the moment that ws.begin has set, without waiting for an asynchronous backend; in a workspace, or a slice of one, of
  /// this type's.
  void queue_forward(AnyWorkspace<Backend, T>& ws, Probe<T>* probe = nullptr) const {
    detail::named(*this, ws, [&] {
      const auto pass = ws.pass(*this, probe);
      spec_.forward(Scope<Backend, T>(pass), blob<Input>(ws.input()), blob<output>(ws.output()));
    });
  }
  void queue_backward(AnyWorkspace<Backend, T>& ws, Probe<T>* probe = nullptr) const {
    detail::named(*this, ws, [&] {
      const auto pass = ws.pass(*this, probe);
      spec_.backward(Scope<Backend, T>(pass), blob<Input>(ws.input()), blob<output>(ws.output()));
      if constexpr (Backend::asynchronous) ws.backend().join();
    });
  }
  /// The two for those that know a network without its type.
  static constexpr QueuedPass<Backend, T> forward_pass() {
    return [](const AnyNetwork<Backend, T>& net, AnyWorkspace<Backend, T>& ws, Probe<T>* probe) { static_cast<const Network&>(net).queue_forward(ws, probe); };
  }
  static constexpr QueuedPass<Backend, T> backward_pass() {
    return [](const AnyNetwork<Backend, T>& net, AnyWorkspace<Backend, T>& ws, Probe<T>* probe) { static_cast<const Network&>(net).queue_backward(ws, probe); };
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
  template <class Shape>
  static Blob<T, Shape> blob(const Values<T>& v) { return {v.data, v.diff, v.batch, v.add}; }

  Spec spec_;
};

}  // namespace dropnet
