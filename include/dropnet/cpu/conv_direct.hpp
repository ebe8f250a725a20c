#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_groups.hpp"
#include "dropnet/cpu/conv_planes.hpp"
#include "dropnet/cpu/conv_sums.hpp"
#include "dropnet/cpu/direct.hpp"
#include "dropnet/cpu/lanes.hpp"

namespace dropnet::detail {

/// Rows at a pitch become rows behind each other: to(c, r, q) = from(c, r, q) + bias[c], at least `least`, from channel `first` on.
template <class Out, int OutPlane, int Pitch, class T>
void unpitch(const T* from, const T* bias, T* to, int first, T least) {
  constexpr int L = lanes::width<T>;
  to += std::size_t(first) * Out::plane;
  for (int c = first; c < Out::channels; ++c)
    for (int r = 0; r < Out::height; ++r, to += Out::width) {
      const T* row = from + std::size_t(c) * OutPlane + r * Pitch;
      if constexpr (Out::width >= L) {  // the last vector may write again what the one before it wrote
        for (int q = 0; q < Out::width; q += L) {
          const int at = std::min(q, Out::width - L);
          lanes::store(to + at, lanes::at_least(lanes::plus(lanes::load(row + at), lanes::all(bias[c])), least));
        }
      } else {
        for (int q = 0; q < Out::width; ++q) to[q] = std::max(row[q] + bias[c], least);  // NaN stays NaN
      }
    }
}
/// And back, behind `lead` zeros: what is no output is zero in each of `planes` planes. Those before `first` are left open.
template <class Out, class T>
void to_pitch(const T* from, T* to, std::ptrdiff_t pitch, std::ptrdiff_t lead, std::ptrdiff_t plane, int planes, int first) {
  for (int c = first; c < planes; ++c) {
    T* const begin = to + c * plane;
    if (c >= Out::channels) {
      std::fill_n(begin, plane, T(0));
      continue;
    }
    T* row = std::fill_n(begin, lead, T(0));
    const T* line = from + std::size_t(c) * Out::plane;
    for (int r = 0; r < Out::height; ++r, line += Out::width) {
      row = std::copy_n(line, Out::width, row);
      if (r + 1 < Out::height) row = std::fill_n(row, pitch - Out::width, T(0));
    }
    std::fill(row, begin + plane, T(0));
  }
}

/// Groups are gone through like samples.
template <class W, class T>
struct DirectConv {
  static constexpr const char* name = "direct";
  using G = OfGroup<W>;
  using In = typename G::in;
  using Out = typename G::out;
  using Planes = detail::Planes<T, G>;
  using Forward = direct::Correlate<T, In::channels, Out::channels, Planes::vectors, direct::ForwardTaps<T, G>>;
  using OutputGradients = direct::OutputGradients<T, G>;
  template <int Py, int Px>
  using Backward = direct::Correlate<T, Out::channels, In::channels, OutputGradients::vectors, direct::BackwardTaps<T, G, Py, Px>>;
  using Gradient = direct::Gradient<T, G>;

  static void forward(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y, T least) {
    T* packed = cpu.shared_scratch<T>(Forward::packed * W::groups);
    for (int g = 0; g < W::groups; ++g)
      Forward::pack([&](int f, int c, int ky, int kx) { return w.data[place(g, f, c, ky, kx)]; }, packed + std::size_t(g) * Forward::packed,
                    of_group<W>(y, g).from / Forward::B);
    each_sample(cpu, x.batch, [&](int n, int g, int worker) {
      const auto in = of_group<W>(x, g);
      const auto out = of_group<W>(y, g);
      T* planes = cpu.scratch<T>(worker, Planes::memory + Forward::out_size);
      T* rows = planes + Planes::memory;
      Planes::fill(in.sample(n), planes);
      Forward::run(planes, packed + std::size_t(g) * Forward::packed, rows, out.from / Forward::B);
      unpitch<Out, Forward::out_plane, Planes::pitch>(rows, b.data + g * Out::channels, out.sample(n), out.from, least);
    });
  }

  static void backward_data(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Blob<T, typename W::out> y) {
    std::size_t of_one = 0;
    each_phase([&]<int Py, int Px>() { of_one += Backward<Py, Px>::packed; });
    T* const packed = cpu.shared_scratch<T>(of_one * W::groups);
    for (int g = 0; g < W::groups; ++g) {
      T* to = packed + std::size_t(g) * of_one;
      each_phase([&]<int Py, int Px>() {
        Backward<Py, Px>::pack([&](int c, int f, int ky, int kx) { return w.data[place(g, f, c, ky, kx)]; }, to);
        to += Backward<Py, Px>::packed;
      });
    }
    each_sample(cpu, x.batch, [&](int n, int g, int worker) {
      const auto in = of_group<W>(x, g);
      const auto out = of_group<W>(y, g);
      T* dys = cpu.scratch<T>(worker, OutputGradients::memory + Backward<0, 0>::out_size);
      T* rows = dys + OutputGradients::memory;
      to_pitch<Out>(out.sample_diff(n), dys, Planes::pitch, OutputGradients::lead, OutputGradients::plane, Out::channels, out.from);
      const T* weights = packed + std::size_t(g) * of_one;
      each_phase([&]<int Py, int Px>() {
        using Phase = Backward<Py, Px>;
        Phase::run(dys + OutputGradients::lead + Planes::begin_row(Py) * Planes::pitch, weights, rows, 0, out.from);
        Planes::put(rows, Phase::out_plane, Py, Px, in.sample_diff(n), x.add);
        weights += Phase::packed;
      });
    });
  }

  static void backward_weights(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
    sum_over_batch<W>(cpu, x.batch, w, b, [&](int first, int last, int g, int worker, T* dw, T* db) {
      const auto in = of_group<W>(x, g);
      const auto out = of_group<W>(y, g);
      const int first_block = out.from / Gradient::B;
      T* xs = cpu.scratch<T>(worker, Gradient::scratch);
      T* dys = xs + Gradient::samples * Planes::memory;
      T* between = dys + Gradient::samples * Gradient::dy_size;
      for (int from = first; from < last; from += Gradient::samples) {
        const int count = std::min(Gradient::samples, last - from);
        for (int i = 0; i < count; ++i) {
          const T* dy = out.sample_diff(from + i);
          Planes::fill(in.sample(from + i), xs + std::size_t(i) * Planes::memory);
          T* const to = dys + std::size_t(i) * Gradient::dy_size;
          std::fill(to + std::ptrdiff_t(first_block * Gradient::B) * Gradient::out_plane, to + std::ptrdiff_t(out.from) * Gradient::out_plane, T(0));
          to_pitch<Out>(dy, to, Planes::pitch, 0, Gradient::out_plane, Gradient::blocks * Gradient::B, out.from);
          add_bias_gradient<Out>(dy, out.from, db);
        }
        Gradient::run(count, xs, dys, between, dw, first_block);
      }
    });
  }

 private:
  static constexpr std::size_t place(int g, int f, int c, int ky, int kx) {
    return std::size_t(g) * G::weights + ((std::size_t(f) * In::channels + std::size_t(c)) * W::kernel.height + std::size_t(ky)) * W::kernel.width + std::size_t(kx);
  }
  /// Calls work(sample, group, worker) for all of them.
  template <class Work>
  static void each_sample(Cpu& cpu, int batch, Work work) {
    cpu.parallel(batch * W::groups, conv_operations<W>(batch), [&](int task, int worker) { work(task / W::groups, task % W::groups, worker); });
  }
  /// Calls work<py, px>() for each phase of the inputs.
  template <class Work>
  static void each_phase(Work work) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (work.template operator()<I / W::stride.width, I % W::stride.width>(), ...);
    }(std::make_integer_sequence<int, W::stride.height * W::stride.width>{});
  }
};

}  // namespace dropnet::detail
