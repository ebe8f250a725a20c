#pragma once

#include "dropnet/core/activation.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

// The functions over whole arrays, in vector registers.
template <class T, class X>
auto activated(LeakyReluFunction f, const X& x) { return (x > T(0)).select(x, T(f.leak) * x); }
template <class T, class X>
auto activated(SigmoidFunction, const X& x) { return x.logistic(); }
template <class T, class X>
auto activated(TanhFunction, const X& x) { return x.tanh(); }

template <class T, class X>
Array<T> activation_slopes(LeakyReluFunction f, const X& x) {
  return (x > T(0)).select(Array<T>::Constant(x.size(), T(1)), T(f.leak));
}
template <class T, class X>
Array<T> activation_slopes(SigmoidFunction, const X& x) {
  const Array<T> y = x.logistic();
  return y * (1 - y);
}
template <class T, class X>
Array<T> activation_slopes(TanhFunction, const X& x) { return 1 - x.tanh().square(); }

}  // namespace detail

template <class Function, class Shape, class T>
void activation_forward(Cpu& cpu, Function f, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const auto in = detail::array(static_cast<const T*>(x.data), begin, end);
    detail::array(y.data, begin, end) = detail::activated<T>(f, in);
  });
}

template <class Function, class Shape, class T>
void activation_backward(Cpu& cpu, Function f, Blob<T, Shape> x, Blob<T, Shape> y) {
  cpu.parallel_ranges(x.size(), [&](std::size_t begin, std::size_t end) {
    const auto in = detail::array(static_cast<const T*>(x.data), begin, end);
    const auto dy = detail::array(static_cast<const T*>(y.diff), begin, end);
    detail::put(detail::array(x.diff, begin, end), dy * detail::activation_slopes<T>(f, in), x.add);
  });
}

}  // namespace dropnet
