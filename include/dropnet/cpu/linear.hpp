#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

namespace detail {

/// Calls work(begin, count) for blocks of 0..size whose length does not depend on the number of threads.
template <class Work>
void in_blocks(Cpu& cpu, std::size_t size, std::size_t block, std::size_t operations, Work work) {
  cpu.parallel(int((size + block - 1) / block), operations, [&](int task, int) {
    const std::size_t begin = std::size_t(task) * block;
    work(begin, std::min(block, size - begin));
  });
}

inline constexpr std::size_t linear_outputs = 128;  ///< outputs in a block
inline constexpr std::size_t linear_samples = 16;   ///< samples in a block

}  // namespace detail

template <class In, class Out, class T>
void linear_forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
  const auto batch = std::size_t(x.batch);
  const auto inputs = detail::matrix<T>(static_cast<const T*>(x.data), batch, In::size);
  const auto weights = detail::matrix<T>(w.data, Out::size, In::size);
  const auto biases = detail::matrix<T>(b.data, 1, Out::size);
  auto outputs = detail::matrix<T>(y.data, batch, Out::size);
  detail::in_blocks(cpu, Out::size, detail::linear_outputs, Cpu::multiply_adds(batch * In::size * Out::size), [&](std::size_t o, std::size_t n) {
    const auto begin = std::ptrdiff_t(o), count = std::ptrdiff_t(n);
    auto block = outputs.middleCols(begin, count);
    if (begin + count <= y.from) {
      block.setZero();
      return;
    }
    block.rowwise() = biases.middleCols(begin, count).row(0);
    block.noalias() += inputs * weights.middleRows(begin, count).transpose();
  });
}

template <class In, class Out, class T>
void linear_backward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
  const auto batch = std::size_t(x.batch);
  const auto operations = Cpu::multiply_adds(batch * In::size * Out::size);
  const auto gradients = detail::matrix<T>(static_cast<const T*>(y.diff), batch, Out::size);
  if (w.diff) {
    const auto inputs = detail::matrix<T>(static_cast<const T*>(x.data), batch, In::size);
    auto dw = detail::matrix<T>(w.diff, Out::size, In::size);
    auto db = detail::matrix<T>(b.diff, 1, Out::size);
    detail::in_blocks(cpu, Out::size, detail::linear_outputs, operations, [&](std::size_t o, std::size_t n) {
      const auto begin = std::ptrdiff_t(o), count = std::ptrdiff_t(n);
      const auto dy = gradients.middleCols(begin, count);
      auto to = dw.middleRows(begin, count);
      if (begin + count <= y.from) {  // all its gradients are zeros
        if (!w.add) to.setZero();
        if (!b.add) db.middleCols(begin, count).setZero();
        return;
      }
      if (w.add)
        to.noalias() += dy.transpose() * inputs;
      else
        to.noalias() = dy.transpose() * inputs;
      detail::put(db.middleCols(begin, count), dy.colwise().sum(), b.add);
    });
  }
  if (x.diff) {
    const auto wanted = std::ptrdiff_t(Out::size) - y.from;
    const auto weights = detail::matrix<T>(w.data, Out::size, In::size).bottomRows(wanted);
    auto dx = detail::matrix<T>(x.diff, batch, In::size);
    detail::in_blocks(cpu, batch, detail::linear_samples, operations, [&](std::size_t s, std::size_t n) {
      const auto begin = std::ptrdiff_t(s), count = std::ptrdiff_t(n);
      auto to = dx.middleRows(begin, count);
      if (x.add)
        to.noalias() += gradients.block(begin, y.from, count, wanted) * weights;
      else
        to.noalias() = gradients.block(begin, y.from, count, wanted) * weights;
    });
  }
}

}  // namespace dropnet
