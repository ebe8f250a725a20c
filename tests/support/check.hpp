#pragma once

// Checks any layer: its gradients against differences, and the Cpu backend against the Reference in double.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <dropnet/dropnet.hpp>
#include <dropnet/reference.hpp>
#include <limits>
#include <string>
#include <vector>

namespace test {

namespace dn = dropnet;

inline const double nan = std::numeric_limits<double>::quiet_NaN();

/// Normal numbers that depend on `stream` and the index alone.
template <class T>
std::vector<T> random_values(std::size_t size, int stream, double scale = 1) {
  const dn::Random random(dn::Seed{77}, dn::Random::filler, stream, 0);
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

/// |a - b| / |b| in the Euclidean norm.
template <class A, class B>
double distance(const A& a, const B& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference += (double(a[i]) - double(b[i])) * (double(a[i]) - double(b[i]));
    norm += double(b[i]) * double(b[i]);
  }
  if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
  return norm > 0 ? std::sqrt(difference / norm) : std::sqrt(difference);
}

inline double norm(const std::vector<double>& values) {
  double sum = 0;
  for (double v : values) sum += v * v;
  return std::sqrt(sum);
}

/// One pass over a network with random weights and inputs: everything that it writes.
template <class Spec, class In, class Backend, class T>
struct Run {
  using Net = dn::Network<Spec, In, Backend, T>;
  Net net;
  typename Net::workspace ws;
  int batch;
  bool training;
  std::vector<T> x, coefficients;

  Run(Spec spec, const std::vector<dn::Share>& shares, int batch_size, bool train, int threads = 1)
      : net(spec, Net::no_fill), ws(net, batch_size, dn::Purpose::train, backend(threads)), batch(batch_size), training(train) {
    int stream = 1;
    for (const auto& t : net.architecture().tensors) {
      auto values = random_values<T>(t.size, stream++, t.fan_in == 0 ? 0.3 : 1 / std::sqrt(double(t.fan_in)));
      if (t.fan_in == 0 && !t.is_bias)  // factors and variances lie around one
        for (T& v : values) v = T(std::exp(double(v)));
      net.write(t, values);
    }
    if (!shares.empty()) {
      REQUIRE(shares.size() == net.shares().size());
      std::copy(shares.begin(), shares.end(), net.shares().begin());
    }
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
    fill(ws.activations(), nan);
    ws.load(x);
    net.forward(ws, {.iteration = 3, .seed = dn::Seed{5}, .training = training});
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
    fill(ws.diffs(), nan);
    fill(ws.gradients(), nan);
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
    net.spec().backward(dn::Scope<Backend, T>(pass, dn::Extent{}), x_blob.adding(), ws.output());
    std::vector<T> values = read(ws.diffs(), x_blob.diff, x.size());
    for (T& v : values) v -= 1;
    std::vector<T> gradients = read(ws.gradients(), ws.gradients().data(), ws.gradients().size());
    for (T& v : gradients) v -= 1;
    write(ws.gradients(), ws.gradients().data(), gradients);
    return values;
  }
  std::vector<T> gradient(const dn::TensorInfo& t) const {
    std::vector<T> values(t.size);
    ws.gradients().download(t.offset, values);
    return values;
  }
};

/// d loss / d value by differences, unless a kink lies within the step (the one-sided slopes differ).
template <class Loss>
bool slope(double& value, Loss loss, double& result) {
  const double h = 1e-5, at = value;
  const double middle = loss();
  value = at + h;
  const double up = loss();
  value = at - h;
  const double down = loss();
  value = at;
  result = (up - down) / (2 * h);
  return std::abs((up - middle) - (middle - down)) / h < 1e-3 * (1 + std::abs(result));
}

template <class Spec, class In, class Backend>
void check_gradients(Spec spec, const std::vector<dn::Share>& shares, int batch, bool training) {
  Run<Spec, In, Backend, double> run(spec, shares, batch, training);
  run.backward();
  const auto dx = run.input_gradient();
  std::vector<std::vector<double>> dw;
  for (const auto& t : run.net.architecture().tensors) dw.push_back(run.gradient(t));

  int compared = 0, kinks = 0;
  const auto compare = [&](const std::string& what, std::size_t i, double found, double& value) {
    double expected;
    if (!slope(value, [&] { return run.loss(); }, expected)) {
      ++kinks;
      return;
    }
    ++compared;
    if (!(std::abs(found - expected) <= 1e-6 * (1 + std::abs(expected))))
      FAIL_CHECK(what << "[" << i << "]: backward has " << found << ", differences " << expected);
  };
  // About 40 values of each tensor, spread by a step that shares no factor with most sizes.
  const auto some = [](std::size_t size, auto visit) {
    const std::size_t step = size <= 40 ? 1 : size / 40 | 1;
    for (std::size_t i = 0; i < size; i += step) visit(i);
  };
  some(run.x.size(), [&](std::size_t i) { compare("input", i, dx[i], run.x[i]); });
  for (std::size_t k = 0; k < dw.size(); ++k) {
    const auto& t = run.net.architecture().tensors[k];
    some(t.size, [&](std::size_t i) {
      if (t.is_statistic && !t.frozen) return;  // what it follows is no gradient
      if (run.net.is_open(t.site) && !t.frozen)
        compare(t.name, i, dw[k][i], run.net.weights().data()[t.offset + i]);
      else
        CHECK_MESSAGE(std::isnan(dw[k][i]), t.name << " is not trained now, but its gradient was written");
    });
  }
  CHECK(compared > 0);
  CHECK(kinks <= compared / 4);
}

/// `Backend` in T writes what the Reference writes in double.
template <class Spec, class In, class Backend, class T>
void check_values(Spec spec, const std::vector<dn::Share>& shares, int batch, bool training, double tolerance) {
  Run<Spec, In, dn::Reference, double> expected(spec, shares, batch, training);
  Run<Spec, In, Backend, T> found(spec, shares, batch, training);
  for (auto& v : expected.x) v = double(T(v));
  for (const auto& t : expected.net.architecture().tensors) {
    const auto w = found.net.read(t);
    expected.net.write(t, std::vector<double>(w.begin(), w.end()));
  }
  for (std::size_t i = 0; i < expected.coefficients.size(); ++i) expected.coefficients[i] = double(found.coefficients[i]);
  CHECK(distance(found.output(), expected.output()) < tolerance);
  found.backward();
  expected.backward();
  CHECK(distance(found.input_gradient(), expected.input_gradient()) < tolerance);
  const auto gradients = [&](auto& run) {
    std::vector<double> all;
    for (const auto& t : run.net.architecture().tensors) {
      if (!run.net.is_open(t.site) || t.frozen) continue;
      const auto g = run.gradient(t);
      all.insert(all.end(), g.begin(), g.end());
    }
    return all;
  };
  const auto dw = gradients(expected);
  for (const auto& t : expected.net.architecture().tensors) {
    if (!expected.net.is_open(t.site) || t.frozen) continue;
    // A small tensor's sums may cancel, and all do where the gradient is zero, as of a bias before BatchNorm: alone a tensor
    // is held to a tenth of the accuracy, and to no more than all of them together.
    const auto own = expected.gradient(t);
    if (norm(own) > 1e-6 * norm(dw)) CHECK_MESSAGE(distance(found.gradient(t), own) < 10 * tolerance, t.name);
  }
  CHECK(distance(gradients(found), dw) < tolerance);
  const auto dx = expected.input_gradient();
  CHECK(distance(expected.added_input_gradient(), dx) < 1e-12);
  CHECK(distance(gradients(expected), dw) < 1e-12);
  CHECK(distance(found.added_input_gradient(), dx) < 10 * tolerance);
  CHECK(distance(gradients(found), dw) < 20 * tolerance);
}

/// Everything above for one layer or network.
template <class In, class Spec>
void check(Spec spec, std::vector<dn::Share> shares = {}, int batch = 3, bool training = true) {
  check_gradients<Spec, In, dn::Reference>(spec, shares, batch, training);
  check_gradients<Spec, In, dn::Cpu>(spec, shares, batch, training);
  check_values<Spec, In, dn::Cpu, double>(spec, shares, batch, training, 1e-12);
  check_values<Spec, In, dn::Cpu, float>(spec, shares, batch, training, 1e-5);
}

template <class Spec, class In>
std::vector<float> outputs(const dn::Network<Spec, In>& net, int batch = 3) {
  const auto y = net.predict(dn::Tensor<In>(batch, random_values<float>(std::size_t(batch) * In::size, 1000)));
  return {y.values().begin(), y.values().end()};
}

}  // namespace test
