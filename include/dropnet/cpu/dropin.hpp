#pragma once

#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet {

/// y holds v; what is not let in becomes u.
template <class Shape, class T>
void dropin_forward(Cpu& cpu, const Mix& mix, Blob<T, Shape> u, Blob<T, Shape> y) {
  const T p = T(mix.p), q = T(1 - mix.p);
  cpu.parallel(u.batch, u.size(), [&](int n, int) {
    const T* from = u.sample(n);
    T* to = y.sample(n);
    switch (mix.kind) {
      case Mix::prefix:
        detail::array(to, 0, mix.left_out) = detail::array(from, 0, mix.left_out);
        break;
      case Mix::bernoulli: {
        const std::size_t begin = std::size_t(n) * Shape::size;
        each_word(mix.random, begin, begin + Shape::size, [&](std::size_t i, std::uint32_t word) {
          to[i - begin] = word < mix.threshold ? to[i - begin] : from[i - begin];
        });
        break;
      }
      case Mix::blend:
        detail::array(to, 0, Shape::size) = p * detail::array(to, 0, Shape::size) + q * detail::array(from, 0, Shape::size);
    }
  });
}

/// Splits y.diff into u.diff (unless it is null) and, in place, v's gradient.
template <class Shape, class T>
void dropin_backward(Cpu& cpu, const Mix& mix, Blob<T, Shape> u, Blob<T, Shape> y) {
  const T p = T(mix.p), q = T(1 - mix.p);
  cpu.parallel(u.batch, u.size(), [&](int n, int) {
    T* dy = y.sample_diff(n);
    T* du = u.diff ? u.sample_diff(n) : nullptr;
    switch (mix.kind) {
      case Mix::prefix:
        if (du) {
          detail::put(detail::array(du, 0, mix.left_out), detail::array(dy, 0, mix.left_out), u.add);
          if (!u.add) detail::array(du, mix.left_out, Shape::size).setZero();
        }
        detail::array(dy, 0, mix.left_out).setZero();
        break;
      case Mix::bernoulli: {
        const std::size_t begin = std::size_t(n) * Shape::size;
        each_word(mix.random, begin, begin + Shape::size, [&](std::size_t at, std::uint32_t word) {
          const std::size_t i = at - begin;
          const bool is_new = word < mix.threshold;
          const T to_u = is_new ? T(0) : dy[i];
          dy[i] = is_new ? dy[i] : T(0);
          if (du) du[i] = u.add ? du[i] + to_u : to_u;
        });
        break;
      }
      case Mix::blend: {
        auto all = detail::array(dy, 0, Shape::size);
        if (du) detail::put(detail::array(du, 0, Shape::size), q * all, u.add);
        all *= p;
      }
    }
  });
}

}  // namespace dropnet
