#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
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

struct Evaluation {
  double loss = 0;            ///< mean softmax cross-entropy
  double accuracy = 0;        ///< share of images whose label has the greatest output
  double top_k_accuracy = 0;  ///< share of images whose label is among the k greatest outputs
  std::size_t images = 0;
};

/// Goes through all images once, in order, with a workspace that is there already and images resident on its backend.
template <class Net, class Images>
Evaluation evaluate(const Net& net, const Images& images, std::size_t size, typename Net::workspace& ws, int top_k) {
  ws.begin(net, {});
  std::vector<Pick> picks;
  for (std::size_t from = 0; from < size; from += picks.size()) {
    picks.resize(std::min(std::size_t(ws.capacity()), size - from));
    for (std::size_t i = 0; i < picks.size(); ++i) picks[i].image = std::uint32_t(from + i);
    ws.pick(picks);
    ws.load_picked(images);
    net.queue_forward(ws);
    auto y = ws.output();
    y.diff = nullptr;
    softmax_loss(ws.backend(), y, ws.labels(), top_k, ws.tally());
  }
  const Tally sum = ws.take_tally();
  return {sum.mean_loss(), sum.accuracy(), sum.top_k_accuracy(), size};
}

/// Loss and accuracy of a network, as grown as it is, over a data set. The backend is all CPU threads or the first GPU
/// unless given. Throws Error if network and data do not fit together.
template <class Net>
Evaluation evaluate(const Net& net, const Dataset& data, EvaluateOptions options = {}, typename Net::backend backend = Net::backend::standard()) {
  data.require(typename Net::input{}, Net::output::size, "evaluate");
  typename Net::workspace ws(net, options.batch, Purpose::predict, std::move(backend));
  return evaluate(net, resident(ws.backend(), data), data.size(), ws, options.top_k);
}

}  // namespace dropnet
