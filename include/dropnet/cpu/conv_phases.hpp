#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/extent.hpp"
#include "dropnet/core/shape.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_planes.hpp"
#include "dropnet/cpu/conv_sums.hpp"
#include "dropnet/cpu/conv_winograd.hpp"

namespace dropnet::detail {

// A stride or a dilation of s leaves of an image s x s smaller ones, its phases: every s-th pixel of every s-th row. Their convolutions are
// plain ones, for which there are tiles. With a stride the phases are channels of their own, each with its share of the kernel's taps; with
// a dilation they are samples of their own, and phases of the outputs come of them.

template <class W, class T>
struct StridedConv {
  static constexpr const char* name = "winograd of phases";
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int step = W::stride.height, kernel = ceil_div(W::kernel.height, step);
  /// Of an image's phases what the kernel sees.
  using Parts = Image<In::channels * step * step, Out::height + kernel - 1, Out::width + kernel - 1>;
  using Plain = Window<Parts, Out, Size(kernel), Size(1), Size(0)>;
  using Conv = WinogradConv<Plain, T>;
  using Move = Phases<T, In, Parts, step, W::pad>;
  static constexpr int most = 32;  ///< samples at a time

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    const Memory memory(cpu, x.batch);
    memory.take(w);
    in_turn(x.batch, most, [&](int first, int count) {
      Conv::forward(cpu, memory.take(cpu, x, first, count), {memory.weights}, b, some(y, first, count), least);
    });
  }
  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    const Memory memory(cpu, x.batch);
    memory.take(w);
    in_turn(x.batch, most, [&](int first, int count) {
      Conv::backward_data(cpu, {nullptr, memory.parts, count}, {memory.weights}, some(y, first, count));
      each_plane(cpu, count, [&](int n, int c) {
        T* const to = x.sample_diff(first + n) + std::size_t(c) * In::plane;
        if (!x.add) std::fill_n(to, In::plane, T(0));  // pixels that no output sees
        for (int phase = 0; phase < Move::count; ++phase) Move::put(memory.part(n, c, phase), phase, to, x.add);
      });
    });
  }
  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    const Memory memory(cpu, x.batch);
    in_turn(x.batch, most, [&](int first, int count) {
      Conv::backward_weights(cpu, memory.take(cpu, x, first, count), {nullptr, memory.weights, first > 0}, {nullptr, b.diff, b.add || first > 0}, some(y, first, count));
    });
    each_tap([&](std::ptrdiff_t part, std::ptrdiff_t tap) {
      if (tap >= 0) w.diff[tap] = memory.weights[part] + (w.add ? w.diff[tap] : T(0));
    });
  }

 private:
  struct Memory {
    T *weights, *parts;
    Memory(Cpu& cpu, int batch)
        : weights(cpu.outer_scratch<T>(padded(Plain::weights) + Parts::size * std::size_t(std::min(most, batch)))), parts(weights + padded(Plain::weights)) {}
    T* part(int n, int c, int phase) const { return parts + std::size_t(n) * Parts::size + std::size_t(c * Move::count + phase) * Parts::plane; }
    void take(const Weight<T>& w) const {
      each_tap([&](std::ptrdiff_t part, std::ptrdiff_t tap) { weights[part] = tap < 0 ? T(0) : w.data[tap]; });
    }
    Blob<T, Parts> take(Cpu& cpu, const Blob<T, In>& x, int first, int count) const {
      each_plane(cpu, count, [&](int n, int c) {
        for (int phase = 0; phase < Move::count; ++phase) Move::take(x.sample(first + n) + std::size_t(c) * In::plane, phase, part(n, c, phase));
      });
      return {parts, nullptr, count};
    }
  };
  static Blob<T, Out> some(const Blob<T, Out>& y, int first, int count) {
    return {y.data ? y.sample(first) : nullptr, y.diff ? y.sample_diff(first) : nullptr, count, y.add, y.from};
  }
  template <class Work>
  static void each_plane(Cpu& cpu, int samples, Work work) {
    cpu.parallel(samples * In::channels, std::size_t(samples) * In::size, [&](int task, int) { work(task / In::channels, task % In::channels); });
  }
  /// Calls work(place among the phases' weights, place among W's, or -1 where the kernel has ended).
  template <class Work>
  static void each_tap(Work work) {
    constexpr int K = W::kernel.height;
    std::ptrdiff_t part = 0;
    for (int pair = 0; pair < Out::channels * In::channels; ++pair)
      for (int phase = 0; phase < Move::count; ++phase)
        for (int r = phase / step; r < kernel * step; r += step)
          for (int q = phase % step; q < kernel * step; q += step) work(part++, r < K && q < K ? (std::ptrdiff_t(pair) * K + r) * K + q : std::ptrdiff_t(-1));
  }
};

template <class W, class T>
struct DilatedConv {
  static constexpr const char* name = "winograd of phases";
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int step = W::dilation.height, kernel = W::kernel.height;
  using OutParts = Image<Out::channels, ceil_div(int(Out::height), step), ceil_div(int(Out::width), step)>;
  using InParts = Image<In::channels, OutParts::height + kernel - 1, OutParts::width + kernel - 1>;
  using Plain = Window<InParts, OutParts, Size(kernel), Size(1), Size(0)>;
  using Conv = WinogradConv<Plain, T>;
  using MoveIn = Phases<T, In, InParts, step, W::pad>;
  using MoveOut = Phases<T, Out, OutParts, step, Size(0)>;
  static constexpr int phases = step * step, most = std::max(1, 32 / phases);  ///< samples at a time

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    const Memory memory(cpu, x.batch);
    in_turn(x.batch, most, [&](int first, int count) {
      memory.take(cpu, x, first, count);
      Conv::forward(cpu, memory.in(count), w, b, memory.out(count, y.from), least);
      each_plane<OutParts>(cpu, count, [&](int n, int f, int phase) {
        if (f >= y.from) MoveOut::put(memory.out(n, f, phase), phase, y.sample(first + n) + std::size_t(f) * Out::plane, false);
      });
    });
  }
  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    const Memory memory(cpu, x.batch);
    in_turn(x.batch, most, [&](int first, int count) {
      memory.take_gradients(cpu, y, first, count);
      Conv::backward_data(cpu, memory.in(count), w, memory.out(count, y.from));
      each_plane<InParts>(cpu, count, [&](int n, int c, int phase) { MoveIn::put(memory.in(n, c, phase), phase, x.sample_diff(first + n) + std::size_t(c) * In::plane, x.add); });
    });
  }
  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    const Memory memory(cpu, x.batch);
    in_turn(x.batch, most, [&](int first, int count) {
      memory.take(cpu, x, first, count);
      memory.take_gradients(cpu, y, first, count);
      Conv::backward_weights(cpu, memory.in(count), {nullptr, w.diff, w.add || first > 0}, {nullptr, b.diff, b.add || first > 0}, memory.out(count, y.from));
    });
  }

 private:
  /// Some samples' phases, of inputs and outputs or of their gradients.
  struct Memory {
    T *ins, *outs;
    Memory(Cpu& cpu, int batch) {
      const std::size_t parts = std::size_t(std::min(most, batch)) * phases, of_in = padded(InParts::size * parts);
      ins = cpu.outer_scratch<T>(of_in + OutParts::size * parts);
      outs = ins + of_in;
    }
    Blob<T, InParts> in(int samples) const { return {ins, ins, samples * phases}; }
    Blob<T, OutParts> out(int samples, int from) const { return {outs, outs, samples * phases, false, from}; }
    T* in(int n, int c, int phase) const { return ins + std::size_t(n * phases + phase) * InParts::size + std::size_t(c) * InParts::plane; }
    T* out(int n, int f, int phase) const { return outs + std::size_t(n * phases + phase) * OutParts::size + std::size_t(f) * OutParts::plane; }
    void take(Cpu& cpu, const Blob<T, In>& x, int first, int count) const {
      each_plane<InParts>(cpu, count, [&](int n, int c, int phase) { MoveIn::take(x.sample(first + n) + std::size_t(c) * In::plane, phase, in(n, c, phase)); });
    }
    void take_gradients(Cpu& cpu, const Blob<T, Out>& y, int first, int count) const {
      each_plane<OutParts>(cpu, count, [&](int n, int f, int phase) { MoveOut::take(y.sample_diff(first + n) + std::size_t(f) * Out::plane, phase, out(n, f, phase)); });
    }
  };
  template <class Parts, class Work>
  static void each_plane(Cpu& cpu, int samples, Work work) {
    cpu.parallel(samples * Parts::channels, std::size_t(samples) * phases * Parts::size, [&](int task, int) {
      for (int phase = 0; phase < phases; ++phase) work(task / Parts::channels, task % Parts::channels, phase);
    });
  }
};

/// Strided or dilated.
template <class W, class T>
using PhasesConv = std::conditional_t<W::dilation == Size(1), StridedConv<W, T>, DilatedConv<W, T>>;

enum class Pass { forward, backward_data, backward_weights };
/// Whether PhasesConv is faster than patches: by count, where moves, and planes that are small, make it take 1.5 times as long as it counts.
template <class T, class W, Pass Which>
constexpr bool phases_pay() {
  constexpr bool square = W::kernel.square() && W::stride.square() && W::dilation.square() && W::pad.square();
  constexpr bool one = (W::stride == Size(1)) != (W::dilation == Size(1));
  if constexpr (!square || !one || !winograd::serves(ceil_div(W::kernel.height, W::stride.height))) {
    return false;
  } else {
    using Plain = typename PhasesConv<W, T>::Plain;
    using In = typename Plain::in;
    using Out = typename Plain::out;
    constexpr int K = Plain::kernel.height;
    constexpr double samples = W::dilation.height * W::dilation.width, pairs = double(W::in::channels) * W::out::channels;
    constexpr double count = Which == Pass::forward         ? winograd::correlation_count<In, Out, K>(24)
                             : Which == Pass::backward_data ? winograd::correlation_count<Out, In, K>(24)
                                                            : winograd::gradient_count<T, In, Out, K, 0>;
    return 1.5 * samples * count < pairs * W::taps * double(W::out::plane);
  }
}

}  // namespace dropnet::detail
