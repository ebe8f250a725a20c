#pragma once

// Checks any layer: its gradients against differences, and the Cpu backend against the Reference in double.

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <dropnet/check.hpp>
#include <dropnet/dropnet.hpp>
#include <dropnet/reference.hpp>
#include <initializer_list>
#include <limits>
#include <string>
#include <vector>

namespace test {

namespace dn = dropnet;

inline constexpr double nan = dn::detail::not_a_number;

/// All cases, or few: a sanitizer, under which all is slow, finds in these what it would find in the others.
template <class T>
std::vector<T> cases(std::initializer_list<T> all, std::initializer_list<T> few) {
  return DROPNET_LIGHT ? few : all;
}

using dn::detail::checked_pass;
using dn::detail::fill;
using dn::detail::random_values;
using dn::detail::read;
using dn::detail::write;

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

inline void check_passed(const dn::GradientCheck& result) {
  for (const auto& line : result.wrong) FAIL_CHECK(line);
  CHECK(result.passed());
}
template <class Spec, class In, class Backend>
void check_gradients(Spec spec, const std::vector<dn::Share>& shares, int batch, bool training) {
  check_passed(dn::check_gradients<In, Backend>(spec, {.shares = shares, .batch = batch, .training = training}));
}

/// `found` writes what `expected`, the Reference in double, writes with the same weights.
template <class T>
void check_values(dn::detail::AnyPass<double>& expected, dn::detail::AnyPass<T>& found, double tolerance) {
  const auto& tensors = expected.architecture().tensors;
  for (auto& v : expected.x) v = double(T(v));
  for (const auto& t : tensors) {
    const auto w = found.read(t);
    expected.write(t, std::vector<double>(w.begin(), w.end()));
  }
  for (std::size_t i = 0; i < expected.coefficients.size(); ++i) expected.coefficients[i] = double(found.coefficients[i]);
  CHECK(distance(found.output(), expected.output()) < tolerance);
  found.backward();
  expected.backward();
  CHECK(distance(found.input_gradient(), expected.input_gradient()) < tolerance);
  const auto trained = [&](const dn::TensorInfo& t) { return expected.is_open(t.site) && !t.frozen; };
  const auto gradients = [&](auto& pass) {
    std::vector<double> all;
    for (const auto& t : tensors) {
      if (!trained(t)) continue;
      const auto g = pass.gradient(t);
      all.insert(all.end(), g.begin(), g.end());
    }
    return all;
  };
  const auto dw = gradients(expected);
  for (const auto& t : tensors) {
    if (!trained(t)) continue;
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
template <class Spec, class In, class Backend, class T>
void check_values(Spec spec, const std::vector<dn::Share>& shares, int batch, bool training, double tolerance) {
  const auto expected = checked_pass<Spec, In, dn::Reference, double>(spec, shares, batch, training);
  const auto found = checked_pass<Spec, In, Backend, T>(spec, shares, batch, training);
  check_values<T>(*expected, *found, tolerance);
}

/// Everything above for one layer or network; under a sanitizer only what there is for float.
template <class In, class Spec>
void check(Spec spec, std::vector<dn::Share> shares = {}, int batch = 3, bool training = true) {
  if constexpr (!DROPNET_LIGHT) {
    check_gradients<Spec, In, dn::Reference>(spec, shares, batch, training);
    check_gradients<Spec, In, dn::Cpu>(spec, shares, batch, training);
    check_values<Spec, In, dn::Cpu, double>(spec, shares, batch, training, 1e-12);
  }
  check_values<Spec, In, dn::Cpu, float>(spec, shares, batch, training, 1e-5);
}

/// All tensors' values, one after the other.
template <class Net>
std::vector<typename Net::scalar> weights(const Net& net) {
  std::vector<typename Net::scalar> all;
  for (const dn::TensorInfo& t : net.architecture().tensors) {
    const auto values = net.read(t);
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

template <class Spec, class In>
std::vector<float> outputs(const dn::Network<Spec, In>& net, int batch = 3) {
  const auto y = net.predict(dn::Tensor<In>(batch, random_values<float>(std::size_t(batch) * In::size, 1000)));
  return {y.values().begin(), y.values().end()};
}

}  // namespace test
