#pragma once

#include <span>
#include <string>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/sgd_step.hpp"
#include "dropnet/network/workspace.hpp"

namespace dropnet {

/// Stochastic gradient descent with momentum as Caffe has it: v = momentum v + rate (g + weight_decay w), w -= v.
struct Sgd {
  float momentum = 0;
  float weight_decay = 0;
  float clip = 0;         ///< if positive, all gradients are scaled down together to this global L2 norm, before decay
  float bias_rate = 1;    ///< multiplies the learning rate of biases; Caffe's recipes have 2
  float bias_decay = 1;   ///< multiplies the weight decay of biases; LeNet has 1, CaffeNet 0
  bool nesterov = false;  ///< w -= (1 + momentum) v - momentum (v before)
};

/// Sgd with the momentum of one network's weights. Weights behind closed sites and frozen ones stay as they are.
template <class Backend, class T>
class AnySolver {
 public:
  /// Throws Error if a number makes no sense.
  AnySolver(const AnyNetwork<Backend, T>& net, Sgd sgd) : momentum_(net.extent().weights) { set(sgd); }
  /// Other numbers from here on; the momentum stays. Throws Error, and changes nothing, if one makes no sense.
  void set(Sgd sgd) {
    const auto demand = [](bool holds, const char* name, float value, const char* range) {
      if (!holds)
        throw Error(std::string("dropnet: Sgd: ") + name + " is " + std::to_string(value) + "; it must be " + range);
    };
    demand(sgd.momentum >= 0 && sgd.momentum < 1, "momentum", sgd.momentum, "at least 0 and below 1");
    demand(sgd.weight_decay >= 0, "weight_decay", sgd.weight_decay, "at least 0");
    demand(sgd.clip >= 0, "clip", sgd.clip, "0 (no clipping) or more");
    sgd_ = sgd;
  }

  /// One step along the gradients that net.backward left in the workspace. Once the workspace's tally has diverged,
  /// weights and momentum stay as they are.
  void step(AnyNetwork<Backend, T>& net, AnyWorkspace<Backend, T>& ws, double rate) {
    Moment moment = ws.moment();
    moment.rate = rate;
    ws.begin(net, moment);
    queue_step(net, ws);
    ws.backend().wait();
  }
  /// The same at the rate of the moment that ws.begin has set, without waiting for an asynchronous backend.
  void queue_step(AnyNetwork<Backend, T>& net, AnyWorkspace<Backend, T>& ws) {
    std::vector<SgdRange> ranges;
    for (const TensorInfo& t : net.architecture().tensors)
      if (net.is_open(t.site) && t.moves())
        ranges.push_back({t.offset, t.size, double(t.parameter.rate) * double(t.is_bias ? sgd_.bias_rate : 1),
                          double(t.parameter.decay) * double(t.is_bias ? sgd_.bias_decay : 1), t.follow});
    const SgdStep step{ws.moment().rate, sgd_.momentum, sgd_.weight_decay, sgd_.clip, sgd_.nesterov, ws.moment().passes};
    sgd_update(ws.backend(), step, std::span<const SgdRange>(ranges), net.weights().data(), ws.gradients().data(), momentum_.data(), ws.tally());
  }

  const Sgd& parameters() const { return sgd_; }
  /// Laid out as the network's weights.
  auto& momentum() { return momentum_; }
  const auto& momentum() const { return momentum_; }

 private:
  Sgd sgd_;
  typename Backend::template Buffer<T> momentum_;
};

/// A solver for networks of one type.
template <class Net>
class Solver : public AnySolver<typename Net::backend, typename Net::scalar> {
  using Base = AnySolver<typename Net::backend, typename Net::scalar>;

 public:
  Solver(const Net& net, Sgd sgd) : Base(net, sgd) {}
  void step(Net& net, typename Net::workspace& ws, double rate) { Base::step(net, ws, rate); }
  void queue_step(Net& net, typename Net::workspace& ws) { Base::queue_step(net, ws); }
};

}  // namespace dropnet
