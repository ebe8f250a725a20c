#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/product.hpp"

namespace dropnet {

namespace detail {

/// Calls work(begin, count, worker) for blocks of 0..size whose length does not depend on the number of threads.
template <class Work>
void in_blocks(Cpu& cpu, std::size_t size, std::size_t block, std::size_t operations, Work work) {
  cpu.parallel(int(detail::ceil_div(size, block)), operations, [&](int task, int worker) {
    const std::size_t begin = std::size_t(task) * block;
    work(begin, std::min(block, size - begin), worker);
  });
}

inline constexpr std::size_t linear_outputs = 128;  ///< outputs in a block
inline constexpr std::size_t linear_inputs = 256;   ///< inputs in a block

}  // namespace detail

template <class In, class Out, class T>
void linear_forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
  using Multiply = Product<T>;
  constexpr auto inputs = std::ptrdiff_t(In::size), outputs = std::ptrdiff_t(Out::size);
  const bool alone = x.batch == 1;  // each weight is then read once: to pack them is no gain
  T* left = alone ? nullptr : cpu.shared_scratch<T>(Multiply::packed(x.batch, int(inputs)));
  if (!alone) Multiply::pack({x.data, inputs}, x.batch, int(inputs), left, int(inputs));
  const auto operations = Cpu::multiply_adds(std::size_t(x.batch) * In::size * Out::size);
  detail::in_blocks(cpu, Out::size - std::size_t(y.from), detail::linear_outputs, operations, [&](std::size_t o, std::size_t n, int worker) {
    const auto begin = y.from + std::ptrdiff_t(o), count = std::ptrdiff_t(n);
    const T* weights = w.data + begin * inputs;
    for (int i = 0; i < x.batch; ++i) std::copy_n(b.data + begin, count, y.data + i * outputs + begin);
    if (alone)
      detail::matrix<T>(y.data + begin, 1, n).noalias() += detail::matrix<T>(static_cast<const T*>(x.data), 1, In::size) * detail::matrix<T>(weights, n, In::size).transpose();
    else
      Multiply::run(x.batch, int(count), int(inputs), left, typename Multiply::Matrix{{weights, inputs, true}}, {y.data + begin, outputs, true},
                    cpu.scratch<T>(worker, Multiply::memory(x.batch, int(count), int(inputs))));
  });
}

template <class In, class Out, class T>
void linear_backward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
  const auto batch = std::size_t(x.batch);
  const auto operations = Cpu::multiply_adds(batch * In::size * Out::size);
  using Multiply = Product<T>;
  constexpr auto inputs = std::ptrdiff_t(In::size), outputs = std::ptrdiff_t(Out::size);
  if (w.diff) {
    const auto gradients = detail::matrix<T>(static_cast<const T*>(y.diff), batch, Out::size);
    auto db = detail::matrix<T>(b.diff, 1, Out::size);
    detail::in_blocks(cpu, Out::size, detail::linear_outputs, operations, [&](std::size_t o, std::size_t n, int worker) {
      const auto end = std::ptrdiff_t(o + n), begin = std::clamp<std::ptrdiff_t>(y.from, std::ptrdiff_t(o), end), count = end - begin;
      if (!w.add) std::fill(w.diff + std::ptrdiff_t(o) * inputs, w.diff + begin * inputs, T(0));
      if (!b.add) std::fill(b.diff + o, b.diff + begin, T(0));
      if (count == 0) return;
      const std::size_t needed = Multiply::memory(int(count), int(inputs), x.batch);
      T* memory = cpu.scratch<T>(worker, needed + Multiply::packed(int(count), x.batch));
      T* left = memory + needed;
      Multiply::pack({y.diff + begin, outputs, true}, int(count), x.batch, left, x.batch);
      Multiply::run(int(count), int(inputs), x.batch, left, typename Multiply::Matrix{{x.data, inputs}}, {w.diff + begin * inputs, inputs, w.add}, memory);
      detail::put(db.middleCols(begin, count), gradients.middleCols(begin, count).colwise().sum(), b.add);
    });
  }
  if (x.diff) {
    const int wanted = int(outputs) - y.from;
    T* left = cpu.shared_scratch<T>(Multiply::packed(x.batch, wanted));
    Multiply::pack({y.diff + y.from, outputs}, x.batch, wanted, left, wanted);
    detail::in_blocks(cpu, In::size, detail::linear_inputs, operations, [&](std::size_t i, std::size_t n, int worker) {
      Multiply::run(x.batch, int(n), wanted, left, typename Multiply::Matrix{{w.data + y.from * inputs + std::ptrdiff_t(i), inputs}}, {x.diff + i, inputs, x.add},
                    cpu.scratch<T>(worker, Multiply::memory(x.batch, int(n), wanted)));
    });
  }
}

}  // namespace dropnet
