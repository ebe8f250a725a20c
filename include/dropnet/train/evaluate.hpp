#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "dropnet/data/batches.hpp"
#include "dropnet/data/dataset.hpp"
#include "dropnet/network/network.hpp"

namespace dropnet {

struct EvaluateOptions {
  int batch = 100;
  int top_k = 5;
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
template <class Workspace, class Y>
void queue_loss(Workspace& ws, Y y, int top_k) {
  if (ws.has_targets())
    squared_loss(ws.backend(), y, ws.targets(), ws.tally(), ws.mean_of());
  else
    softmax_loss(ws.backend(), y, ws.labels(), top_k, ws.tally(), ws.mean_of());
}

/// Goes through all images once, in order, with a workspace that is there already and images resident on its backend.
template <class Net, class Images>
Evaluation evaluate(const Net& net, const Images& images, const Dataset& data, typename Net::workspace& ws, int top_k) {
  const std::size_t size = data.size();
  ws.begin(net, {});
  std::vector<Pick> picks;
  for (std::size_t from = 0; from < size; from += picks.size()) {
    picks.resize(std::min(std::size_t(ws.capacity()), size - from));
    for (std::size_t i = 0; i < picks.size(); ++i) picks[i].image = std::uint32_t(from + i);
    ws.pick(picks);
    ws.load_picked(images);
    ws.each_slice(net, false, false, [&](auto& of) {
      net.queue_forward(of);
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
  data.require(typename Net::input{}, Net::output::size, "evaluate");
  typename Net::workspace ws(net, options.batch, Purpose::predict, std::move(backend));
  return evaluate(net, resident(ws.backend(), data), data, ws, options.top_k);
}

}  // namespace dropnet
