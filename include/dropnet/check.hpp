#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
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

/// One pass over a network with random weights and inputs: everything that it writes. What does not depend on the network's type
/// is done here, once for all networks.
template <class T>
class AnyPass {
 public:
  std::vector<T> x, coefficients;

  virtual ~AnyPass() = default;
  virtual const Architecture& architecture() const = 0;
  virtual bool is_open(int site) const = 0;
  virtual std::vector<T> read(const TensorInfo&) const = 0;
  virtual void write(const TensorInfo&, const std::vector<T>&) = 0;
  /// The place of a weight, where it can be changed in between.
  virtual T* weight(const TensorInfo&) = 0;
  /// The network's outputs, in a pass in which every unwritten value is NaN.
  virtual std::vector<T> output() = 0;
  /// Forward, and backward from the coefficients as the outputs' gradient.
  virtual void backward() = 0;
  virtual std::vector<T> input_gradient() = 0;
  /// What a backward pass that adds to all gradients adds to ones: the input's; the weights' are left behind.
  virtual std::vector<T> added_input_gradient() = 0;
  virtual std::vector<T> gradient(const TensorInfo&) const = 0;

  /// The sum of coefficient times output.
  double loss() {
    double sum = 0;
    const auto y = output();
    for (std::size_t i = 0; i < coefficients.size(); ++i) sum += double(coefficients[i]) * double(y[i]);
    return sum;
  }

 protected:
  void begin(std::size_t inputs, std::size_t outputs) {
    int stream = 1;
    for (const auto& t : architecture().tensors) {
      auto values = random_values<T>(t.size, stream++, t.fan_in == 0 ? 0.3 : 1 / std::sqrt(double(t.fan_in)));
      if (t.fan_in == 0 && !t.is_bias)  // factors and variances lie around one
        for (T& v : values) v = T(std::exp(double(v)));
      write(t, values);
    }
    x = random_values<T>(inputs, 1000);
    coefficients = random_values<T>(outputs, 1001);
  }
  static void set(std::span<Share> to, const std::vector<Share>& shares) {
    if (!shares.empty() && shares.size() != to.size())
      throw Error("dropnet: check: " + std::to_string(shares.size()) + " shares for " + std::to_string(to.size()) + " sites");
    std::copy(shares.begin(), shares.end(), to.begin());
  }
};

/// The same for networks of one backend.
template <class Backend, class T>
class BackendPass final : public AnyPass<T> {
 public:
  /// A network of any type, and what deletes it.
  using Held = std::unique_ptr<AnyNetwork<Backend, T>, void (*)(AnyNetwork<Backend, T>*)>;

 private:
  Held held_;

 public:
  AnyNetwork<Backend, T>& net = *held_;
  AnyWorkspace<Backend, T> ws;

  BackendPass(Held held, QueuedPass<Backend, T> forward_pass, QueuedPass<Backend, T> backward_pass, const std::vector<Share>& shares, int batch, bool training)
      : held_(std::move(held)), ws(net, batch, Purpose::train, Backend{}), forward_(forward_pass), backward_(backward_pass), training_(training) {
    const Architecture& a = net.architecture();
    this->begin(std::size_t(batch) * volume(a.input), std::size_t(batch) * volume(a.output));
    this->set(net.shares(), shares);
    ws.input_gradient = true;
  }

  const Architecture& architecture() const override { return net.architecture(); }
  bool is_open(int site) const override { return net.is_open(site); }
  std::vector<T> read(const TensorInfo& t) const override { return net.read(t); }
  void write(const TensorInfo& t, const std::vector<T>& values) override { net.write(t, values); }
  T* weight(const TensorInfo& t) override { return net.weights().data() + t.offset; }
  std::vector<T> output() override {
    fill(ws.activations(), not_a_number);
    ws.load(this->x);
    ws.begin(net, {.iteration = 3, .seed = Seed{5}, .training = training_});
    forward_(net, ws, nullptr);
    ws.backend().wait();
    return detail::read(ws.activations(), ws.output().data, this->coefficients.size());
  }
  void backward() override {
    output();
    fill(ws.diffs(), not_a_number);
    fill(ws.gradients(), not_a_number);
    back();
  }
  std::vector<T> input_gradient() override { return detail::read(ws.diffs(), ws.input().diff, this->x.size()); }
  std::vector<T> added_input_gradient() override {
    output();  // backward has used up what forward left
    detail::write(ws.diffs(), ws.input().diff, std::vector<T>(this->x.size(), T(1)));
    fill(ws.gradients(), 1);
    ws.add_input_gradient = ws.add_gradients = true;
    back();
    ws.add_input_gradient = ws.add_gradients = false;
    std::vector<T> values = input_gradient(), gradients = detail::read(ws.gradients(), ws.gradients().data(), ws.gradients().size());
    for (auto* all : {&values, &gradients})
      for (T& v : *all) v -= 1;
    detail::write(ws.gradients(), ws.gradients().data(), gradients);
    return values;
  }
  std::vector<T> gradient(const TensorInfo& t) const override {
    std::vector<T> values(t.size);
    ws.gradients().download(t.offset, values);
    return values;
  }

 private:
  void back() {
    detail::write(ws.diffs(), ws.output().diff, this->coefficients);
    backward_(net, ws, nullptr);
    ws.backend().wait();
  }
  QueuedPass<Backend, T> forward_, backward_;
  bool training_;
};

template <class Spec, class In, class Backend, class T>
std::unique_ptr<BackendPass<Backend, T>> checked_pass(Spec spec, const std::vector<Share>& shares, int batch, bool training) {
  using Net = Network<Spec, In, Backend, T>;
  typename BackendPass<Backend, T>::Held net(new Net(spec, Net::no_fill), [](AnyNetwork<Backend, T>* any) { delete static_cast<Net*>(any); });
  return std::make_unique<BackendPass<Backend, T>>(std::move(net), Net::forward_pass(), Net::backward_pass(), shares, batch, training);
}

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

namespace detail {

inline GradientCheck check_gradients(AnyPass<double>& pass, const CheckOptions& options) {
  const auto& tensors = pass.architecture().tensors;
  pass.backward();
  const auto dx = pass.input_gradient();
  std::vector<std::vector<double>> dw;
  for (const auto& t : tensors) dw.push_back(pass.gradient(t));

  GradientCheck result;
  const auto compare = [&](const std::string& what, std::size_t i, double found, double& value) {
    double expected = 0;
    if (!slope(value, options.step, [&] { return pass.loss(); }, expected)) {
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
    const auto& t = tensors[k];
    if (t.is_statistic && !t.frozen) continue;  // what it follows is no gradient
    const bool trained = pass.is_open(t.site) && !t.frozen;
    some(t.size, [&](std::size_t i) {
      if (trained)
        compare(t.name, i, dw[k][i], pass.weight(t)[i]);
      else if (!std::isnan(dw[k][i]))
        result.wrong.push_back(t.name + ": is not trained now, but its gradient was written");
    });
  }
  return result;
}

}  // namespace detail

/// Compares the gradients that a layer or a network leaves in backward, of its inputs and of its weights, with differences of
/// a made-up loss, in double. Everything that a pass does not write is NaN, so that an unwritten value shows.
/// Throws Error if the options do not fit.
template <class Input, class Backend = Cpu, class Spec>
GradientCheck check_gradients(Spec spec, const CheckOptions& options = {}) {
  return detail::check_gradients(*detail::checked_pass<Spec, Input, Backend, double>(spec, options.shares, options.batch, options.training), options);
}

}  // namespace dropnet
