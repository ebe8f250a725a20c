#pragma once

#include <cmath>
#include <string>

#include "dropnet/core/error.hpp"
#include "dropnet/core/sgd_step.hpp"
#include "dropnet/network/network.hpp"

namespace dropnet {

/// Stochastic gradient descent with momentum as Caffe has it: v = momentum v + rate (g + weight_decay w), w -= v.
struct Sgd {
  float momentum = 0;
  float weight_decay = 0;
  float clip = 0;        ///< if positive, all gradients are scaled down together to this global L2 norm, before decay
  float bias_rate = 1;   ///< multiplies the learning rate of biases; Caffe's recipes have 2
  float bias_decay = 1;  ///< multiplies the weight decay of biases; LeNet has 1, CaffeNet 0
};

/// Sgd with the momentum of one network's weights. Weights behind closed sites stay as they are.
template <class Net>
class Solver {
 public:
  using T = typename Net::scalar;

  /// Throws Error if a number makes no sense.
  Solver(const Net& net, Sgd sgd) : sgd_(sgd), momentum_(net.extent().weights) {
    const auto demand = [](bool holds, const char* name, float value, const char* range) {
      if (!holds)
        throw Error(std::string("dropnet: Sgd: ") + name + " is " + std::to_string(value) + "; it must be " + range);
    };
    demand(sgd.momentum >= 0 && sgd.momentum < 1, "momentum", sgd.momentum, "at least 0 and below 1");
    demand(sgd.weight_decay >= 0, "weight_decay", sgd.weight_decay, "at least 0");
    demand(sgd.clip >= 0, "clip", sgd.clip, "0 (no clipping) or more");
  }

  /// One step along the gradients that net.backward left in the workspace.
  void step(Net& net, typename Net::workspace& ws, double rate) {
    const double scale = clip_scale(net, ws);
    for (const TensorInfo& t : net.architecture().tensors) {
      if (!net.is_open(t.site)) continue;
      const SgdStep step{.rate = rate * double(t.multipliers.rate) * double(t.is_bias ? sgd_.bias_rate : 1),
                         .momentum = sgd_.momentum,
                         .decay = double(sgd_.weight_decay) * double(t.multipliers.decay) * double(t.is_bias ? sgd_.bias_decay : 1),
                         .scale = scale};
      sgd_update(ws.backend(), step, t.size, net.weights().data() + t.offset, ws.gradients().data() + t.offset,
                 momentum_.data() + t.offset);
    }
  }

  const Sgd& parameters() const { return sgd_; }
  auto& momentum() { return momentum_; }

 private:
  double clip_scale(const Net& net, typename Net::workspace& ws) const {
    if (sgd_.clip <= 0) return 1;
    double squares = 0;
    for (const TensorInfo& t : net.architecture().tensors)
      if (net.is_open(t.site)) squares += sum_of_squares(ws.backend(), t.size, ws.gradients().data() + t.offset);
    const double norm = std::sqrt(squares);
    return norm > sgd_.clip ? sgd_.clip / norm : 1;
  }

  Sgd sgd_;
  typename Net::backend::template Buffer<T> momentum_;
};

}  // namespace dropnet
