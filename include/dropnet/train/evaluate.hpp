#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

#include "dropnet/data/dataset.hpp"
#include "dropnet/network/network.hpp"

namespace dropnet {

struct EvaluateOptions {
  int batch = 100;
  int top_k = 5;
  int threads = 0;  ///< 0: all that the machine has
};

struct Evaluation {
  double loss = 0;            ///< mean softmax cross-entropy
  double accuracy = 0;        ///< share of images whose label has the greatest output
  double top_k_accuracy = 0;  ///< share of images whose label is among the k greatest outputs
  std::size_t images = 0;
};

/// Goes through all images once, in order, with a workspace that is there already.
template <class Net>
Evaluation evaluate(const Net& net, const Dataset& data, typename Net::workspace& ws, int top_k = 5) {
  using T = typename Net::scalar;
  data.require(typename Net::input{}, Net::output::size, "evaluate");
  Evaluation sum{.images = data.size()};
  std::vector<T> images;
  for (std::size_t from = 0; from < data.size();) {
    const std::size_t count = std::min(std::size_t(ws.capacity()), data.size() - from);
    images.resize(count * data.image_size());
    for (std::size_t i = 0; i < count; ++i) data.image(from + i, images.data() + i * data.image_size());
    ws.load(images);
    ws.load_labels(data.labels().subspan(from, count));
    net.forward(ws);
    auto y = ws.output();
    y.diff = nullptr;
    softmax_loss(ws.backend(), y, ws.labels(), top_k, ws.results().data());
    double results[3];
    ws.results().download(0, results);
    sum.loss += results[0] * double(count);
    sum.accuracy += results[1];
    sum.top_k_accuracy += results[2];
    from += count;
  }
  const double n = double(data.size());
  sum.loss /= n;
  sum.accuracy /= n;
  sum.top_k_accuracy /= n;
  return sum;
}

/// Loss and accuracy of a network, as grown as it is, over a data set. Throws Error if they do not fit together.
template <class Net>
Evaluation evaluate(const Net& net, const Dataset& data, EvaluateOptions options = {}) {
  typename Net::workspace ws(net, options.batch, Purpose::predict, typename Net::backend(options.threads));
  return evaluate(net, data, ws, options.top_k);
}

}  // namespace dropnet
