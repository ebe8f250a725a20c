#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "dropnet/cpu.hpp"
#include "dropnet/network/network.hpp"

namespace dropnet {

namespace detail {

inline constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

/// Normal numbers that depend on `stream` and the index alone.
template <class T>
std::vector<T> random_values(std::size_t size, int stream, double scale = 1) {
  const Random random(Seed{77}, Random::filler, stream, 0);
  std::vector<T> values(size);
  for (std::size_t i = 0; i < size; ++i) values[i] = T(scale * random.normal(i));
  return values;
}

template <class Buffer>
void fill(Buffer& buffer, double value) {
  using T = std::remove_pointer_t<decltype(buffer.data())>;
  buffer.upload(0, std::vector<T>(buffer.size(), T(value)));
}
/// `count` values of a buffer's from `at` on, wherever its memory is.
template <class Buffer, class T>
std::vector<T> read(const Buffer& buffer, const T* at, std::size_t count) {
  std::vector<T> values(count);
  buffer.download(std::size_t(at - buffer.data()), values);
  return values;
}
template <class Buffer, class T>
void write(Buffer& buffer, T* at, const std::vector<T>& values) {
  buffer.upload(std::size_t(at - buffer.data()), values);
}

/// One pass over a network with random weights and inputs: everything that it writes.
template <class Spec, class In, class Backend, class T>
struct CheckedPass {
  using Net = Network<Spec, In, Backend, T>;
  Net net;
  typename Net::workspace ws;
  int batch;
  bool training;
  std::vector<T> x, coefficients;

  CheckedPass(Spec spec, const std::vector<Share>& shares, int batch_size, bool train, int threads = 1)
      : net(spec, Net::no_fill), ws(net, batch_size, Purpose::train, backend(threads)), batch(batch_size), training(train) {
    int stream = 1;
    for (const auto& t : net.architecture().tensors) {
      auto values = random_values<T>(t.size, stream++, t.fan_in == 0 ? 0.3 : 1 / std::sqrt(double(t.fan_in)));
      if (t.fan_in == 0 && !t.is_bias)  // factors and variances lie around one
        for (T& v : values) v = T(std::exp(double(v)));
      net.write(t, values);
    }
    if (!shares.empty() && shares.size() != net.shares().size())
      throw Error("dropnet: check: " + std::to_string(shares.size()) + " shares for " + std::to_string(net.shares().size()) + " sites");
    std::copy(shares.begin(), shares.end(), net.shares().begin());
    x = random_values<T>(std::size_t(batch) * In::size, 1000);
    coefficients = random_values<T>(std::size_t(batch) * Net::output::size, 1001);
    ws.input_gradient = true;
  }
  static Backend backend(int threads) {
    if constexpr (std::is_constructible_v<Backend, int>)
      return Backend(threads);
    else
      return {};
  }

  /// The sum of coefficient times output, after a pass in which every unwritten value is NaN.
  double loss() {
    fill(ws.activations(), not_a_number);
    ws.load(x);
    net.forward(ws, {.iteration = 3, .seed = Seed{5}, .training = training});
    double sum = 0;
    const auto y = read(ws.activations(), ws.output().data, coefficients.size());
    for (std::size_t i = 0; i < coefficients.size(); ++i) sum += double(coefficients[i]) * double(y[i]);
    return sum;
  }
  std::vector<T> output() {
    loss();
    return read(ws.activations(), ws.output().data, coefficients.size());
  }
  void backward() {
    loss();
    fill(ws.diffs(), not_a_number);
    fill(ws.gradients(), not_a_number);
    write(ws.diffs(), ws.output().diff, coefficients);
    net.backward(ws);
  }
  std::vector<T> input_gradient() { return read(ws.diffs(), ws.input().diff, x.size()); }
  /// What a backward pass that adds to all gradients adds to ones: the input's; the weights' are left in ws.
  std::vector<T> added_input_gradient() {
    auto x_blob = ws.input();
    write(ws.diffs(), x_blob.diff, std::vector<T>(x.size(), T(1)));
    fill(ws.gradients(), 1);
    write(ws.diffs(), ws.output().diff, coefficients);
    ws.add_gradients = true;
    const auto pass = ws.pass(net, nullptr);
    ws.add_gradients = false;
    net.spec().backward(Scope<Backend, T>(pass, Extent{}), x_blob.adding(), ws.output());
    std::vector<T> values = read(ws.diffs(), x_blob.diff, x.size());
    for (T& v : values) v -= 1;
    std::vector<T> gradients = read(ws.gradients(), ws.gradients().data(), ws.gradients().size());
    for (T& v : gradients) v -= 1;
    write(ws.gradients(), ws.gradients().data(), gradients);
    return values;
  }
  std::vector<T> gradient(const TensorInfo& t) const {
    std::vector<T> values(t.size);
    ws.gradients().download(t.offset, values);
    return values;
  }
};

/// d loss / d value by differences, unless a kink lies within the step (the one-sided slopes differ).
template <class Loss>
bool slope(double& value, double h, Loss loss, double& result) {
  const double at = value;
  const double middle = loss();
  value = at + h;
  const double up = loss();
  value = at - h;
  const double down = loss();
  value = at;
  result = (up - down) / (2 * h);
  return std::abs((up - middle) - (middle - down)) / h < 1e-3 * (1 + std::abs(result));
}

}  // namespace detail

struct CheckOptions {
  std::vector<Share> shares{};  ///< of the sites; empty: all complete
  int batch = 3;
  bool training = true;         ///< masks and dropout are the same in each pass
  double step = 1e-5;           ///< of the differences
  double tolerance = 1e-6;      ///< of |backward - difference| against 1 + |difference|
  std::size_t most = 40;        ///< about so many values of each tensor are compared
};

/// What check_gradients found.
struct GradientCheck {
  int compared = 0;
  int kinks = 0;                   ///< values at which the loss has no derivative: not compared
  std::vector<std::string> wrong;  ///< "conv1_1.weight[3]: backward has 0.25, differences 0.5"
  bool passed() const { return wrong.empty() && compared > 0 && kinks <= compared / 4; }
};

/// Compares the gradients that a layer or a network leaves in backward, of its inputs and of its weights, with differences of
/// a made-up loss, in double. Everything that a pass does not write is NaN, so that an unwritten value shows.
/// Throws Error if the options do not fit.
template <class Input, class Backend = Cpu, class Spec>
GradientCheck check_gradients(Spec spec, const CheckOptions& options = {}) {
  detail::CheckedPass<Spec, Input, Backend, double> pass(spec, options.shares, options.batch, options.training);
  pass.backward();
  const auto dx = pass.input_gradient();
  std::vector<std::vector<double>> dw;
  for (const auto& t : pass.net.architecture().tensors) dw.push_back(pass.gradient(t));

  GradientCheck result;
  const auto compare = [&](const std::string& what, std::size_t i, double found, double& value) {
    double expected = 0;
    if (!detail::slope(value, options.step, [&] { return pass.loss(); }, expected)) {
      ++result.kinks;
      return;
    }
    ++result.compared;
    if (!(std::abs(found - expected) <= options.tolerance * (1 + std::abs(expected))))
      result.wrong.push_back(what + "[" + std::to_string(i) + "]: backward has " + std::to_string(found) + ", differences " + std::to_string(expected));
  };
  // Spread by a step that shares no factor with most sizes.
  const auto some = [&](std::size_t size, auto visit) {
    const std::size_t step = size <= options.most ? 1 : size / options.most | 1;
    for (std::size_t i = 0; i < size; i += step) visit(i);
  };
  some(pass.x.size(), [&](std::size_t i) { compare("input", i, dx[i], pass.x[i]); });
  for (std::size_t k = 0; k < dw.size(); ++k) {
    const auto& t = pass.net.architecture().tensors[k];
    if (t.is_statistic && !t.frozen) continue;  // what it follows is no gradient
    const bool trained = pass.net.is_open(t.site) && !t.frozen;
    some(t.size, [&](std::size_t i) {
      if (trained)
        compare(t.name, i, dw[k][i], pass.net.weights().data()[t.offset + i]);
      else if (!std::isnan(dw[k][i]))
        result.wrong.push_back(t.name + ": is not trained now, but its gradient was written");
    });
  }
  return result;
}

}  // namespace dropnet
