#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "dropnet/core/scope.hpp"
#include "dropnet/network/network.hpp"
#include "dropnet/train/evaluate.hpp"

namespace dropnet {

namespace detail {

template <class Backend, class T>
void queue_train_pass(const AnyNetwork<Backend, T>& net, QueuedPass<Backend, T> forward, QueuedPass<Backend, T> backward, AnyWorkspace<Backend, T>& ws, Probe<T>* probe) {
  ws.each_slice(net, true, probe != nullptr, [&](auto& of) {
    forward(net, of, probe);
    queue_loss(of, of.output(), 1);
    backward(net, of, probe);
  });
}

/// The name of the first layer that writes something that is not finite in a pass forward; empty if none does.
template <class Backend, class T>
std::string first_non_finite(const AnyNetwork<Backend, T>& net, QueuedPass<Backend, T> forward, AnyWorkspace<Backend, T>& ws, Moment moment) {
  struct Look : Probe<T> {
    Backend& backend;
    int layer = -1;
    explicit Look(Backend& b) : backend(b) {}
    void after(int at, Direction, const T* values, std::size_t count) override {
      if (layer < 0 && !all_finite(backend, values, count)) layer = at;
    }
  } look(ws.backend());
  ws.begin(net, moment);
  forward(net, ws, &look);
  ws.backend().wait();
  return look.layer < 0 ? "" : net.architecture().layers[std::size_t(look.layer)].name;
}

}  // namespace detail

/// Forward, loss, backward for the batch that the workspace holds; the mean loss.
template <class Net>
double train_pass(const Net& net, typename Net::workspace& ws, std::int64_t iteration, Seed seed) {
  ws.begin(net, {.iteration = std::uint64_t(iteration), .seed = seed, .training = true});
  queue_train_pass(net, ws);
  return ws.take_tally().mean_loss();
}
/// The same at the moment that ws.begin has set, without waiting for an asynchronous backend; the loss goes to the tally. A probe
/// sees a layer once for each slice.
template <class Net>
void queue_train_pass(const Net& net, typename Net::workspace& ws, Probe<typename Net::scalar>* probe = nullptr) {
  detail::queue_train_pass(net, Net::forward_pass(), Net::backward_pass(), ws, probe);
}

}  // namespace dropnet
