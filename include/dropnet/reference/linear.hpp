#pragma once

#include "dropnet/core/blob.hpp"
#include "dropnet/reference/backend.hpp"

namespace dropnet {

template <class In, class Out, class T>
void linear_forward(Reference&, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
  for (int n = 0; n < x.batch; ++n)
    for (std::size_t o = 0; o < Out::size; ++o) {
      T sum = b.data[o];
      for (std::size_t i = 0; i < In::size; ++i) sum += w.data[o * In::size + i] * x.sample(n)[i];
      y.sample(n)[o] = sum;
    }
}

template <class In, class Out, class T>
void linear_backward(Reference&, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
  if (w.diff && !w.add)
    for (std::size_t k = 0; k < Out::size * In::size; ++k) w.diff[k] = 0;
  if (b.diff && !b.add)
    for (std::size_t o = 0; o < Out::size; ++o) b.diff[o] = 0;
  for (int n = 0; n < x.batch; ++n) {
    for (std::size_t o = 0; o < Out::size; ++o) {
      const T dy = y.sample_diff(n)[o];
      if (b.diff) b.diff[o] += dy;
      if (w.diff)
        for (std::size_t i = 0; i < In::size; ++i) w.diff[o * In::size + i] += dy * x.sample(n)[i];
    }
    if (!x.diff) continue;
    for (std::size_t i = 0; i < In::size; ++i) {
      T sum = 0;
      for (std::size_t o = 0; o < Out::size; ++o) sum += y.sample_diff(n)[o] * w.data[o * In::size + i];
      x.sample_diff(n)[i] = x.add ? x.sample_diff(n)[i] + sum : sum;
    }
  }
}

}  // namespace dropnet
