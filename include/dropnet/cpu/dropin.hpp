#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/random.hpp"

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
      case Mix::bernoulli:
        detail::each_event<T>(mix.random.from(std::uint64_t(n) * Shape::size), mix.threshold, Shape::size, [&](std::size_t i, auto count, const auto& is_new) {
          lanes::store(to + i, lanes::select(is_new, lanes::load(to + i, count), lanes::load(from + i, count)), count);
        });
        break;
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
    const bool add = u.add;
    switch (mix.kind) {
      case Mix::prefix:
        if (du) {
          detail::put(detail::array(du, 0, mix.left_out), detail::array(dy, 0, mix.left_out), add);
          if (!add) detail::array(du, mix.left_out, Shape::size).setZero();
        }
        detail::array(dy, 0, mix.left_out).setZero();
        break;
      case Mix::bernoulli:
        detail::each_event<T>(mix.random.from(std::uint64_t(n) * Shape::size), mix.threshold, Shape::size, [&](std::size_t i, auto count, const auto& is_new) {
          const auto d = lanes::load(dy + i, count), zero = lanes::all(T(0));
          if (du) lanes::put(du + i, lanes::select(is_new, zero, d), count, add);
          lanes::store(dy + i, lanes::select(is_new, d, zero), count);
        });
        break;
      case Mix::blend: {
        auto all = detail::array(dy, 0, Shape::size);
        if (du) detail::put(detail::array(du, 0, Shape::size), q * all, add);
        all *= p;
      }
    }
  });
}

}  // namespace dropnet
