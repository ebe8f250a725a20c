#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_direct.hpp"
#include "dropnet/cpu/conv_patches.hpp"
#include "dropnet/cpu/conv_winograd.hpp"
#include "dropnet/cpu/product.hpp"

namespace dropnet {

namespace detail {

template <class W>
constexpr std::size_t conv_operations(int batch) { return Cpu::multiply_adds(std::size_t(batch) * W::out::size * W::group_channels * W::taps); }
template <class W>
constexpr std::size_t conv_place(int f, int c, int ky, int kx) {
  return ((std::size_t(f) * W::group_channels + std::size_t(c)) * W::kernel.height + std::size_t(ky)) * W::kernel.width + std::size_t(kx);
}
template <class W>
constexpr std::size_t conv_weights = std::size_t(W::out::channels) * W::group_channels * W::taps;

/// How 0..count falls into at most eight pieces: that, and so the order in which their sums are added, depends on the count alone.
struct Pieces {
  int count, least = 1;
  int length() const { return std::max(least, (count + 7) / 8); }
  int pieces() const { return (count + length() - 1) / length(); }
  int begin(int piece) const { return piece * length(); }
  int end(int piece) const { return std::min(count, begin(piece) + length()); }
};

/// to = or += the sum of what `pieces` hold, which lie `between` apart.
template <class T>
void sum_pieces(Cpu& cpu, const T* from, int pieces, std::size_t between, T* to, std::size_t size, bool add) {
  cpu.parallel_ranges(size, [&](std::size_t begin, std::size_t end) {
    if (!add) std::fill(to + begin, to + end, T(0));
    for (int p = 0; p < pieces; ++p) {
      const T* of = from + std::size_t(p) * between;
      for (std::size_t i = begin; i < end; ++i) to[i] += of[i];
    }
  });
}

/// Makes the weights' and bias gradients out of what work(first sample, last, worker, dw, db) adds to its arguments
/// for pieces of the batch.
template <class T, class Work>
void sum_over_batch(Cpu& cpu, int batch, std::size_t operations, std::size_t weights, Weight<T> w, std::size_t biases,
                    Weight<T> b, Work work) {
  const Pieces split{batch, 8};
  const std::size_t each = weights + biases;
  T* partial = cpu.shared_scratch<T>(each * std::size_t(split.pieces()));
  cpu.parallel(split.pieces(), operations, [&](int piece, int worker) {
    T* mine = std::fill_n(partial + std::size_t(piece) * each, each, T(0)) - each;
    work(split.begin(piece), split.end(piece), worker, mine, mine + weights);
  });
  sum_pieces(cpu, partial, split.pieces(), each, w.diff, weights, w.add);
  sum_pieces(cpu, partial + weights, split.pieces(), each, b.diff, biases, b.add);
}

template <class Out, class T>
void add_bias_gradient(const T* dy, T* db) {
  for (int f = 0; f < Out::channels; ++f)
    db[f] += array(dy, std::size_t(f) * Out::plane, std::size_t(f + 1) * Out::plane).sum();
}

/// Rows at a pitch become rows behind each other: to(c, r, q) = (or +=) from(c, r, q) + bias[c], at least `least`; channels before
/// the first one become zeros.
template <class Out, int OutPlane, int Pitch, class T>
void unpitch(const T* from, const T* bias, T* to, bool add, int first, T least) {
  to = std::fill_n(to, std::size_t(first) * Out::plane, T(0));
  for (int c = first; c < Out::channels; ++c) {
    const T offset = bias ? bias[c] : T(0);
    for (int r = 0; r < Out::height; ++r, to += Out::width) {
      const T* row = from + std::size_t(c) * OutPlane + r * Pitch;
      if (add)
        for (int q = 0; q < Out::width; ++q) to[q] += row[q] + offset;
      else
        for (int q = 0; q < Out::width; ++q) to[q] = std::max(row[q] + offset, least);  // NaN stays NaN
    }
  }
}

/// What any output is at least: forward's ReLU gives 0 instead.
template <class T>
inline constexpr T no_least = -std::numeric_limits<T>::infinity();

template <class W, class T>
struct DirectConv {
  static constexpr const char* name = "direct";
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int K = W::kernel.height, P = W::pad.height;
  using Forward = direct::Correlate<T, In, Out::channels, K, P>;
  using Backward = direct::Correlate<T, Out, In::channels, K, K - 1 - P>;
  using Gradient = direct::Gradient<T, In, Out::channels, K, P>;

  /// For each sample: lays out from(n), runs Kernel with packed weights, calls finish(n, rows at a pitch).
  template <class Kernel, class From, class Finish>
  static void each_sample(Cpu& cpu, int batch, const T* packed, int first_block, int first_channel, From from, Finish finish) {
    using X = typename Kernel::X;
    cpu.parallel(batch, conv_operations<W>(batch), [&](int n, int worker) {
      T* planes = cpu.scratch<T>(worker, X::size + Kernel::out_size);
      T* rows = planes + X::size;
      X::fill(from(n), planes, first_channel);
      Kernel::run(planes, packed, rows, first_block, first_channel);
      finish(n, rows);
    });
  }

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    T* packed = cpu.shared_scratch<T>(Forward::packed);
    const int first_block = y.from / Forward::B;
    Forward::pack([&](int f, int c, int ky, int kx) { return w.data[conv_place<W>(f, c, ky, kx)]; }, packed, first_block);
    each_sample<Forward>(
        cpu, x.batch, packed, first_block, 0, [&](int n) { return x.sample(n); },
        [&](int n, const T* rows) { unpitch<Out, Forward::X::out_plane, Forward::X::pitch>(rows, b.data, y.sample(n), false, y.from, least); });
  }

  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    T* packed = cpu.shared_scratch<T>(Backward::packed);
    Backward::pack([&](int c, int f, int ky, int kx) { return w.data[conv_place<W>(f, c, K - 1 - ky, K - 1 - kx)]; }, packed);
    each_sample<Backward>(
        cpu, x.batch, packed, 0, y.from, [&](int n) { return y.sample_diff(n); },
        [&](int n, const T* rows) {
          unpitch<In, Backward::X::out_plane, Backward::X::pitch>(rows, static_cast<const T*>(nullptr), x.sample_diff(n), x.add, 0, no_least<T>);
        });
  }

  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    sum_over_batch<T>(cpu, x.batch, conv_operations<W>(x.batch), conv_weights<W>, w, Out::channels, b,
                      [&](int first, int last, int worker, T* dw, T* db) {
                        const int first_block = y.from / Gradient::B;
                        T* xs = cpu.scratch<T>(worker, Gradient::scratch);
                        T* dys = xs + Gradient::samples * Gradient::X::size;
                        T* between = dys + Gradient::samples * Gradient::dy_size;
                        for (int from = first; from < last; from += Gradient::samples) {
                          const int count = std::min(Gradient::samples, last - from);
                          for (int i = 0; i < count; ++i) {
                            Gradient::X::fill(x.sample(from + i), xs + std::size_t(i) * Gradient::X::size);
                            Gradient::fill(y.sample_diff(from + i), dys + std::size_t(i) * Gradient::dy_size, first_block * Gradient::B);
                            add_bias_gradient<Out>(y.sample_diff(from + i), db);
                          }
                          Gradient::run(count, xs, dys, between, dw, first_block);
                        }
                      });
  }
};

template <class W, class T>
struct PatchConv {
  static constexpr const char* name = "patches";
  using In = typename W::in;
  using Out = typename W::out;
  using P = patches::Patches<W>;
  static constexpr int filters = W::group_filters, rows = int(P::rows) / W::groups, columns = int(P::columns), most = P::most;
  using Multiply = Product<T>;
  /// Of a task: patches and outputs of some samples beside each other, and the product's.
  static constexpr std::size_t patches = padded(P::size * most), outputs = padded(std::size_t(Out::size) * most), scratch = patches + outputs + Multiply::scratch;

  /// How many of a group's filters are passed over.
  static int skipped(const Blob<T, Out>& y) { return W::groups == 1 ? y.from : 0; }
  /// Calls work(first sample, count, worker) for the samples that lie beside each other; there are several tasks for small batches too.
  template <class Work>
  static void each_few(Cpu& cpu, int batch, Work work) {
    const int few = std::clamp(batch / 4, 1, most);
    cpu.parallel((batch + few - 1) / few, conv_operations<W>(batch), [&](int task, int worker) { work(task * few, std::min(few, batch - task * few), worker); });
  }

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    const int skip = skipped(y);
    each_few(cpu, x.batch, [&](int first, int count, int worker) {
      T* memory = cpu.scratch<T>(worker, scratch);
      const std::ptrdiff_t pitch = count * columns;
      const T* from = gather(x, first, count, memory);
      T* to = count == 1 ? y.sample(first) : memory + patches;
      for (int g = 0; g < W::groups; ++g)
        Multiply::run(filters - skip, int(pitch), rows, {w.data + of_weights(g, skip), rows}, {from + g * rows * pitch, pitch}, to + (g * filters + skip) * pitch, pitch, false,
                      memory + patches + outputs, b.data + g * filters + skip, least);
      for (int n = 0; n < count; ++n) {
        std::fill_n(y.sample(first + n), skip * columns, T(0));
        for (int f = skip; f < Out::channels && count > 1; ++f) std::copy_n(to + (f * count + n) * columns, columns, y.sample(first + n) + f * columns);
      }
    });
  }

  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    const int skip = skipped(y);
    each_few(cpu, x.batch, [&](int first, int count, int worker) {
      T* memory = cpu.scratch<T>(worker, scratch);
      const std::ptrdiff_t pitch = count * columns;
      const T* gradients = beside(y, first, count, memory + patches);
      for (int g = 0; g < W::groups; ++g)
        Multiply::run(rows, int(pitch), filters - skip, {w.data + of_weights(g, skip), rows, true}, {gradients + (g * filters + skip) * pitch, pitch}, memory + g * rows * pitch,
                      pitch, false, memory + patches + outputs);
      for (int n = 0; n < count; ++n) {
        T* dx = x.sample_diff(first + n);
        if (!x.add) std::fill_n(dx, In::size, T(0));
        P::scatter_add(memory + n * columns, std::size_t(pitch), dx);
      }
    });
  }

  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    const int skip = skipped(y);
    sum_over_batch<T>(cpu, x.batch, conv_operations<W>(x.batch), conv_weights<W>, w, Out::channels, b,
                      [&](int begin, int end, int worker, T* dw, T* db) {
                        T* memory = cpu.scratch<T>(worker, scratch);
                        for (int first = begin; first < end; first += most) {
                          const int count = std::min(most, end - first);
                          const std::ptrdiff_t pitch = count * columns;
                          const T* from = gather(x, first, count, memory);
                          const T* gradients = beside(y, first, count, memory + patches);
                          for (int g = 0; g < W::groups; ++g)
                            Multiply::run(filters - skip, rows, int(pitch), {gradients + (g * filters + skip) * pitch, pitch}, {from + g * rows * pitch, pitch, true},
                                          dw + of_weights(g, skip), rows, true, memory + patches + outputs);
                          for (int n = first; n < first + count; ++n) add_bias_gradient<Out>(y.sample_diff(n), db);
                        }
                      });
  }

 private:
  static std::ptrdiff_t of_weights(int g, int filter) { return std::ptrdiff_t(g * filters + filter) * rows; }
  /// [row][sample][pixel], in memory unless it lies so already.
  static const T* gather(const Blob<T, In>& x, int first, int count, T* memory) {
    if constexpr (P::same)
      if (count == 1) return x.sample(first);
    for (int n = 0; n < count; ++n) P::gather(static_cast<const T*>(x.sample(first + n)), memory + n * columns, std::size_t(count) * P::columns);
    return memory;
  }
  /// Gradients as [filter][sample][pixel], likewise.
  static const T* beside(const Blob<T, Out>& y, int first, int count, T* memory) {
    if (count == 1) return y.sample_diff(first);
    for (int n = 0; n < count; ++n)
      for (int f = 0; f < Out::channels; ++f) std::copy_n(y.sample_diff(first + n) + f * columns, columns, memory + (f * count + n) * columns);
    return memory;
  }
};

template <class W, class T>
struct WinogradConv {
  static constexpr const char* name = "winograd";
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int K = W::kernel.height, P = W::pad.height;
  using Forward = winograd::Correlate<T, In, Out, K, P>;
  using Backward = winograd::Correlate<T, Out, In, K, K - 1 - P>;
  using Gradient = winograd::Gradient<T, In, Out, K, P>;

  static constexpr std::ptrdiff_t taps = W::taps, of_filter = taps * In::channels;

  template <class Kernel>
  static void correlate(Cpu& cpu, int batch, const T* x, const winograd::Kernels<T>& weights, const T* bias, T* y, int first_filter, int first_channel, bool add, T least) {
    if constexpr (Kernel::Wide::pays)
      if (!Kernel::few(batch)) return Kernel::Wide::run(cpu, conv_operations<W>(batch), batch, x, weights, bias, y, first_filter, first_channel, add, least);
    T* packed = cpu.shared_scratch<T>(Kernel::packed);
    const typename Kernel::Split parts{batch};
    const std::size_t operations = conv_operations<W>(batch);
    cpu.parallel(Kernel::C - first_channel, parts.count() > 1 && cpu.divides(operations) ? Kernel::packed : 0, [&](int c, int) { Kernel::pack(weights, first_channel + c, packed); });
    cpu.parallel(parts.count(), operations, [&](int i, int worker) {
      Kernel::run(parts[i], x, packed, bias, y, cpu.scratch<T>(worker, Kernel::scratch), first_filter, first_channel, add, least);
    });
  }

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    correlate<Forward>(cpu, x.batch, x.data, {w.data, of_filter, taps, false}, b.data, y.data, y.from, 0, false, least);
  }
  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    correlate<Backward>(cpu, x.batch, y.diff, {w.data, taps, of_filter, true}, nullptr, x.diff, 0, y.from, x.add, no_least<T>);
  }
  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    const std::size_t operations = conv_operations<W>(x.batch);
    if constexpr (Gradient::Wide::pays) {
      if (!b.add) std::fill_n(b.diff, Out::channels, T(0));
      Gradient::Wide::run(cpu, operations, x.batch, x.data, y.diff, w.diff, w.add, b.diff, y.from);
    } else {
      const typename Gradient::Split parts{x.batch};
      const Pieces split{parts.count()};
      constexpr std::size_t each = Gradient::sums + padded(Out::channels);
      T* partial = cpu.shared_scratch<T>(each * std::size_t(split.pieces()));
      cpu.parallel(split.pieces(), operations, [&](int piece, int worker) {
        T* sums = std::fill_n(partial + std::size_t(piece) * each, each, T(0)) - each;
        T* memory = cpu.scratch<T>(worker, Gradient::scratch);
        Gradient::clear(memory, y.from);
        for (int i = split.begin(piece); i < split.end(piece); ++i) Gradient::run(parts[i], x.data, y.diff, memory, sums, sums + Gradient::sums, y.from);
      });
      if (!w.add) std::fill_n(w.diff, conv_weights<W>, T(0));
      cpu.parallel(Gradient::down, split.pieces() > 1 && cpu.divides(operations) ? Gradient::sums : 0,
                   [&](int d, int) { Gradient::finish(partial, split.pieces(), each, d, w.diff, y.from); });
      sum_pieces(cpu, partial + Gradient::sums, split.pieces(), each, b.diff, Out::channels, b.add);
    }
  }
};

/// The kernels that a window gets.
template <class W, class T>
struct ConvKernels {
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int K = W::kernel.height, P = W::pad.height;
  static constexpr bool plain = W::kernel.square() && W::pad.square() && W::stride == Size(1) && W::dilation == Size(1) && W::groups == 1;
  static constexpr auto others() {
    if constexpr (plain && K > 1 && direct::serves<T, In, K, P>())
      return DirectConv<W, T>{};
    else
      return PatchConv<W, T>{};
  }
  template <bool Pays>
  using chosen = std::conditional_t<Pays, WinogradConv<W, T>, decltype(others())>;
  using forward = chosen<plain && winograd::correlation_pays<T, In, Out, K, P>()>;
  using backward_data = chosen<plain && winograd::correlation_pays<T, Out, In, K, K - 1 - P>()>;
  using backward_weights = chosen<plain && winograd::gradient_pays<T, In, Out, K, P>()>;
};

}  // namespace detail

template <class W, class T>
void conv_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::ConvKernels<W, T>::forward::forward(cpu, x, w, b, y, detail::no_least<T>);
}

/// conv_forward and relu_forward in one.
template <class W, class T>
void conv_relu_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::ConvKernels<W, T>::forward::forward(cpu, x, w, b, y, T(0));
}

template <class W, class T>
void conv_backward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  using Kernels = detail::ConvKernels<W, T>;
  if (w.diff) Kernels::backward_weights::backward_weights(cpu, x, w, b, y);
  if (x.diff) Kernels::backward_data::backward_data(cpu, x, w, y);
}

/// What serves a window: forward, or backward for the weights and for the input.
template <class W, class T>
std::string conv_kernel(const Cpu&, W, Blob<T, typename W::in> x, bool forward) {
  using Kernels = detail::ConvKernels<W, T>;
  if (forward) return Kernels::forward::name;
  std::string names = Kernels::backward_weights::name;
  if (x.diff && names != Kernels::backward_data::name) names.append(", ").append(Kernels::backward_data::name);
  return names;
}

}  // namespace dropnet
