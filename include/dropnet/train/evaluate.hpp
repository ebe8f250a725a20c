#pragma once

#include <cstddef>
#include <limits>
#include <utility>

#include "dropnet/core/ceil_div.hpp"
#include "dropnet/data/batches.hpp"
#include "dropnet/data/dataset.hpp"
#include "dropnet/network/network.hpp"
#include "dropnet/train/feed.hpp"

namespace dropnet {

struct EvaluateOptions {
  int batch = 100;
  int top_k = 5;
  int workers = 0;  ///< threads that make batches ahead; 0: they are made when needed, by the backend, which holds all images
};

/// Where there are no labels.
inline constexpr double no_accuracy = std::numeric_limits<double>::quiet_NaN();

struct Evaluation {
  double loss = 0;            ///< mean softmax cross-entropy, or mean of half the squared distance to the target
  double accuracy = 0;        ///< share of images whose label has the greatest output; NaN where images have targets
  double top_k_accuracy = 0;  ///< share of images whose label is among the k greatest outputs
  std::size_t images = 0;
};

/// The loss of the outputs to the tally and the gradient of the batch's mean to y.diff, unless null: softmax cross-entropy with
/// labels, half the squared distance to targets.
template <class Backend, class T>
void queue_loss(AnyWorkspace<Backend, T>& ws, Values<T> y, int top_k) {
  if (ws.has_targets())
    squared_loss(ws.backend(), y, ws.targets(), ws.tally(), ws.mean_of());
  else
    softmax_loss(ws.backend(), y, ws.labels(), top_k, ws.tally(), ws.mean_of());
}

/// Goes through all images once, with a workspace that is there already and the feed that brings them to it in order.
template <class Backend, class T>
Evaluation evaluate(const AnyNetwork<Backend, T>& net, QueuedPass<Backend, T> forward, Feed<Backend, T>& feed, AnyWorkspace<Backend, T>& ws, int top_k) {
  const Dataset& data = feed.batches().data();
  const std::size_t size = data.size(), batches = detail::ceil_div(size, std::size_t(feed.batches().batch()));
  ws.begin(net, {});
  for (std::size_t t = 0; t < batches; ++t) {
    feed.prepare(t);
    feed.load();
    ws.each_slice(net, false, false, [&](auto& of) {
      forward(net, of, nullptr);
      auto y = of.output();
      y.diff = nullptr;
      queue_loss(of, y, top_k);
    });
  }
  const Tally sum = ws.take_tally();
  if (data.has_targets()) return {sum.mean_loss(), no_accuracy, no_accuracy, size};
  return {sum.mean_loss(), sum.accuracy(), sum.top_k_accuracy(), size};
}

/// Loss and accuracy of a network, as grown as it is, over a data set. The backend is all CPU threads or the first GPU
/// unless given. Throws Error if network and data do not fit together.
template <class Net>
Evaluation evaluate(const Net& net, const Dataset& data, EvaluateOptions options = {}, typename Net::backend backend = Net::backend::standard()) {
  data.require(net.architecture().input, Net::output::size, "evaluate");
  check_workers(options.workers, "evaluate");
  typename Net::workspace ws(net, options.batch, Purpose::predict, std::move(backend));
  Feed feed(ws, Batches::in_order(data, options.batch), options.workers);
  return evaluate(net, Net::forward_pass(), feed, ws, options.top_k);
}

}  // namespace dropnet
