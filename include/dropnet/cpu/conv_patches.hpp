#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/extent.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_planes.hpp"
#include "dropnet/cpu/conv_sums.hpp"
#include "dropnet/cpu/product.hpp"

namespace dropnet::patches {

// Convolution as a matrix product with the patches: row (channel, ky, kx) holds, for each output pixel of some samples, the input that
// this weight meets. The matrix is never made; its panels are copied out of the samples' planes. Serves every window.

/// The planes that patches are copied from. Where there is neither padding nor a stride the samples themselves lie so.
template <class T, class W>
struct Planes : detail::Planes<T, W> {
  using Padded = detail::Planes<T, W>;
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int L = lanes::width<T>;
  static constexpr bool in_place = W::pad == Size(0) && W::stride == Size(1);
  /// Whether memory goes on behind the last sample.
  static constexpr bool reads_past = !in_place || requires { In::goes_on; };
  /// Outputs that read one piece, and pieces of a plane.
  static constexpr bool whole = in_place && Out::width == In::width && (W::taps == 1 || reads_past);
  static constexpr int piece = whole ? int(Out::plane) : Out::width, pieces = whole ? 1 : Out::height;
  /// From sample to sample; and scalars for some samples, the last vector reading past its piece.
  static constexpr std::ptrdiff_t apart = in_place ? std::ptrdiff_t(In::size) : Padded::size;
  static constexpr std::size_t memory(int samples) { return in_place ? 0 : padded(std::size_t(samples * apart + L)); }

  /// What `Most` outputs or fewer read, apart from the weight's place: vectors and, in a sample that is not ours, single values, for a
  /// vector at a piece's end reads past it.
  template <int Most>
  struct Outputs {
    struct Move {
      std::ptrdiff_t from;
      int to;
    };
    Move vectors[std::size_t(Most)], singles[std::size_t(reads_past ? 1 : Most)];
    int vectors_count = 0, singles_count = 0;

    /// Outputs first..first + count, counted through all samples.
    Outputs(int first, int count) {
      int n = first / int(Out::plane), row = first % int(Out::plane) / piece, column = first % piece;
      for (int at = 0; at < count;) {
        const int here = std::min(piece - column, count - at);
        const std::ptrdiff_t from = n * apart + row * Padded::pitch + column;
        int i = 0;
        for (; i + (reads_past ? 1 : L) <= here; i += L) vectors[vectors_count++] = {from + i, at + i};
        if constexpr (!reads_past)
          for (; i < here; ++i) singles[singles_count++] = {from + i, at + i};
        at += here;
        column = 0;
        if (++row == pieces) {
          row = 0;
          ++n;
        }
      }
    }
    EIGEN_ALWAYS_INLINE void copy(const T* from, T* to) const {
      for (int i = 0; i < vectors_count; ++i) lanes::store(to + vectors[i].to, lanes::load(from + vectors[i].from));
      if constexpr (!reads_past)
        for (int i = 0; i < singles_count; ++i) to[singles[i].to] = from[singles[i].from];
    }
    EIGEN_ALWAYS_INLINE void prefetch(const T* from) const {
      for (int i = 0; i < vectors_count; ++i) __builtin_prefetch(from + vectors[i].from);
    }
  };
};

/// Panels of the patch matrix: a row for each weight, a column for each output.
template <class T, class W>
struct Patches {
  using P = Planes<T, W>;
  using Multiply = Product<T>;
  struct Columns {
    const T* planes;
    typename P::template Outputs<Multiply::columns> outputs;
    int width;
    typename Multiply::Panel pack(int d, int length, bool, T* to) const {
      for (int k = 0; k < length; ++k) outputs.copy(planes + P::of_weight(d + k), to + k * width);
      return {to, width};
    }
    /// Copies of planes have just been written: only samples themselves may be far.
    EIGEN_ALWAYS_INLINE void prefetch(int d, int length, int part, int parts) const {
      if constexpr (P::in_place) {
        const auto lines = Multiply::part_of(length, part, parts);
        for (int k = lines.from; k < lines.to; ++k) outputs.prefetch(planes + P::of_weight(d + k));
      }
    }
  };
  const T* planes;
  Columns columns(int j, int count, int width) const { return {planes, {j, count}, width}; }
};

/// And turned: a row for each output, a column for each weight.
template <class T, class W>
struct TurnedPatches {
  using P = Planes<T, W>;
  using Multiply = Product<T>;
  struct Columns {
    const T* planes;
    int j, count, width;
    typename Multiply::Panel pack(int d, int length, bool, T* to) const {
      constexpr int L = lanes::width<T>, pitch = Multiply::depth + L;
      static_assert(Multiply::depth % L == 0);
      const typename P::template Outputs<Multiply::depth> outputs(d, length);
      T lines[std::size_t(L * pitch)];
      for (int i = 0; i < width; i += L) {
        for (int l = 0; l < L; ++l) outputs.copy(planes + P::of_weight(j + std::min(i + l, count - 1)), lines + l * pitch);
        Multiply::pack_lines(lines, pitch, false, L, L, (length + L - 1) / L * L, to + i, width);
      }
      return {to, width};
    }
    void prefetch(int, int, int, int) const {}  // outputs follow each other in memory, which hardware sees
  };
  const T* planes;
  Columns columns(int j, int count, int width) const { return {planes, j, count, width}; }
};

}  // namespace dropnet::patches

namespace dropnet::detail {

template <class W, class T>
struct PatchConv {
  static constexpr const char* name = "patches";
  using In = typename W::in;
  using Out = typename W::out;
  using Planes = patches::Planes<T, W>;
  using Multiply = Product<T>;
  static constexpr int filters = Out::channels, weights = In::channels * W::taps, columns = int(Out::plane);
  static constexpr int most = std::clamp(256 / columns, 1, 64);  ///< samples beside each other
  /// Rows of the patches' gradient that are made at a time.
  static constexpr int rows = std::clamp(250'000 / (columns * most) / Multiply::group, 1, 256 / Multiply::group) * Multiply::group;
  static constexpr std::size_t planes = Planes::memory(most);

  /// Calls work(first sample, count, worker) for the samples that lie beside each other; there are several tasks for small batches too.
  template <class Work>
  static void each_few(Cpu& cpu, int batch, Work work) {
    const int few = std::clamp(batch / 4, 1, most);
    cpu.parallel(detail::ceil_div(batch, few), conv_operations<W>(batch), [&](int task, int worker) { work(task * few, std::min(few, batch - task * few), worker); });
  }
  /// The weights as what is multiplied with, m x k.
  static const T* pack(Cpu& cpu, int batch, Operand<T> a, int m, int k) {
    T* to = cpu.shared_scratch<T>(Multiply::packed(m, k));
    constexpr int group = Multiply::group;
    cpu.parallel(detail::ceil_div(m, group), cpu.divided_with(batch, conv_operations<W>(batch), Multiply::packed(m, k)),
                 [&](int g, int) { Multiply::pack({a.at(g * group, 0), a.pitch, a.turned}, std::min(group, m - g * group), k, to + std::ptrdiff_t(g) * group * k, k); });
    return to;
  }
  /// Samples `first` and after as planes, in memory unless they lie so already.
  static const T* fill(const Blob<T, In>& x, int first, int count, T* memory) {
    if constexpr (Planes::in_place) return x.sample(first);
    for (int n = 0; n < count; ++n) Planes::fill(x.sample(first + n), memory + n * Planes::apart);
    return memory;
  }

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    const int skip = y.from, wanted = filters - skip;
    const T* left = pack(cpu, x.batch, {w.data + std::ptrdiff_t(skip) * weights, weights}, wanted, weights);
    each_few(cpu, x.batch, [&](int first, int count, int worker) {
      constexpr std::size_t needed = Multiply::memory(filters, columns * most, weights);
      T* memory = cpu.scratch<T>(worker, needed + planes);
      Multiply::run(wanted, count * columns, weights, left, patches::Patches<T, W>{fill(x, first, count, memory + needed)},
                    {y.sample(first) + skip * columns, columns, false, columns, std::ptrdiff_t(Out::size), b.data + skip, least}, memory);
    });
  }

  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    const int skip = y.from, wanted = filters - skip;
    const T* left = pack(cpu, x.batch, {w.data + std::ptrdiff_t(skip) * weights, weights, true}, weights, wanted);
    using Gradients = patches::Patches<T, Window<Out, Out, Size(1), Size(1), Size(0)>>;
    each_few(cpu, x.batch, [&](int first, int count, int worker) {
      constexpr std::size_t needed = Multiply::memory(weights, columns * most, filters);
      T* memory = cpu.scratch<T>(worker, needed + planes + (Planes::whole ? 0 : std::size_t(rows) * columns * most));
      const Gradients right{y.sample_diff(first) + skip * columns};
      const int n = count * columns;
      if constexpr (Planes::whole) {
        Multiply::run(weights, n, wanted, left, right, {x.sample_diff(first), columns, x.add, columns, std::ptrdiff_t(In::size)}, memory);
      } else {
        T* patches = memory + needed + planes;
        T* sums = Planes::in_place ? x.sample_diff(first) : memory + needed;
        if (!Planes::in_place || !x.add)
          for (int i = 0; i < count; ++i) std::fill_n(sums + i * Planes::apart, Planes::Padded::size, T(0));
        for (int row = 0; row < weights; row += rows) {
          const int high = std::min(rows, weights - row);
          Multiply::run(high, n, wanted, left + std::ptrdiff_t(row) * wanted, right, {patches, n}, memory);
          for (int r = 0; r < high; ++r) scatter(patches + std::ptrdiff_t(r) * n, count, sums + Planes::of_weight(row + r));
        }
        if constexpr (!Planes::in_place)
          for (int i = 0; i < count; ++i) put(sums + i * Planes::apart, x.sample_diff(first + i), x.add);
      }
    });
  }

  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    const int skip = y.from, wanted = filters - skip;
    sum_over_batch<W>(cpu, x.batch, w, b, [&](int begin, int end, int, int worker, T* dw, T* db) {
      constexpr std::size_t needed = Multiply::memory(filters, weights, columns * most);
      T* memory = cpu.scratch<T>(worker, needed + planes + Multiply::packed(filters, most * columns));
      T* left = memory + needed + planes;
      for (int first = begin; first < end; first += most) {
        const int count = std::min(most, end - first), n = count * columns;
        for (int i = 0; i < count; ++i) {
          Multiply::pack({y.sample_diff(first + i) + skip * columns, columns}, wanted, columns, left, n, i * columns);
          if (b.diff) add_bias_gradient<Out>(y.sample_diff(first + i), skip, db);
        }
        Multiply::run(wanted, weights, n, left, patches::TurnedPatches<T, W>{fill(x, first, count, memory + needed)}, {dw + std::ptrdiff_t(skip) * weights, weights, true}, memory);
      }
    });
  }

 private:
  static void put(const T* from, T* dx, bool add) {
    for (int py = 0; py < W::stride.height; ++py)
      for (int px = 0; px < W::stride.width; ++px)
        Planes::put(from + (py * W::stride.width + px) * Planes::phase + Planes::begin_row(py) * Planes::pitch, Planes::plane, py, px, dx, add);
  }
  /// Adds what one weight's row of patches holds to where it came from.
  static void scatter(const T* from, int count, T* to) {
    for (int n = 0; n < count; ++n)
      for (int row = 0; row < Planes::pieces; ++row, from += Planes::piece) {
        T* line = to + n * Planes::apart + row * Planes::pitch;
        for (int q = 0; q < Planes::piece; ++q) line[q] += from[q];
      }
  }
};

}  // namespace dropnet::detail
