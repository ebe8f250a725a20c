#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/cpu/arrays.hpp"
#include "dropnet/cpu/backend.hpp"

namespace dropnet::detail {

/// What forward and each half of backward come to, as Cpu::parallel counts it.
template <class W>
constexpr std::size_t conv_operations(int batch) { return Cpu::multiply_adds(std::size_t(batch) * W::out::plane * W::weights); }

/// What any output is at least: forward's ReLU gives 0 instead.
template <class T>
inline constexpr T no_least = -std::numeric_limits<T>::infinity();

/// Calls work(first sample, count) for parts of a batch, of one size and at most `most` samples.
template <class Work>
void in_turn(int batch, int most, Work work) {
  const int few = ceil_div(batch, ceil_div(batch, most));
  for (int first = 0; first < batch; first += few) work(first, std::min(few, batch - first));
}

// Sums over a batch, of weights' and bias gradients.

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

/// Makes the weights' and bias gradients of a window W out of what work(first sample, last, group, worker, dw, db) adds to its arguments,
/// its group's own, for pieces of the batch.
template <class W, class T, class Work>
void sum_over_batch(Cpu& cpu, int batch, Weight<T> w, Weight<T> b, Work work) {
  const Pieces split{batch, 8};
  constexpr std::size_t filters = std::size_t(W::out::channels), each = W::weights + filters;
  T* partial = cpu.shared_scratch<T>(each * std::size_t(split.pieces()));
  cpu.parallel(split.pieces() * W::groups, conv_operations<W>(batch), [&](int task, int worker) {
    const int piece = task / W::groups, group = task % W::groups;
    const auto mine = [&](std::size_t begin, std::size_t size) {
      T* to = partial + std::size_t(piece) * each + begin + size * std::size_t(group);
      std::fill_n(to, size, T(0));
      return to;
    };
    T* const dw = mine(0, W::weights / W::groups);
    work(split.begin(piece), split.end(piece), group, worker, dw, mine(W::weights, filters / W::groups));
  });
  sum_pieces(cpu, partial, split.pieces(), each, w.diff, W::weights, w.add);
  if (b.diff) sum_pieces(cpu, partial + W::weights, split.pieces(), each, b.diff, filters, b.add);
}

template <class Out, class T>
void add_bias_gradient(const T* dy, int first_filter, T* db) {
  for (int f = first_filter; f < Out::channels; ++f)
    db[f] += array(dy, std::size_t(f) * Out::plane, std::size_t(f + 1) * Out::plane).sum();
}

}  // namespace dropnet::detail
