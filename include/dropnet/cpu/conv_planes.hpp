#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/extent.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/lanes.hpp"

namespace dropnet::detail {

/// Between a plane and its phases, every Step-th pixel of every Step-th row, with its padding. Part: a phase, which may end before the
/// plane does, or hold zeros behind it.
template <class T, class Whole, class Part, int Step, Size Pad>
struct Phases {
  static constexpr int count = Step * Step;

  /// Writes a phase, [row % Step][column % Step] of the plane.
  static void take(const T* plane, int phase, T* to) {
    const auto [rows, columns] = inside(phase);
    for (int r = 0; r < Part::height; ++r, to += Part::width) {
      if (r < rows.begin || r >= rows.end) {
        std::fill_n(to, Part::width, T(0));
        continue;
      }
      const T* from = plane + place(phase, r);
      std::fill(to, to + columns.begin, T(0));
      for (int q = columns.begin; q < columns.end; ++q) to[q] = from[q * Step];
      std::fill(to + columns.end, to + Part::width, T(0));
    }
  }
  /// Brings a phase back to where it came from, or adds it there.
  static void put(const T* from, int phase, T* plane, bool add) {
    const auto [rows, columns] = inside(phase);
    for (int r = rows.begin; r < rows.end; ++r) {
      T* to = plane + place(phase, r);
      for (int q = columns.begin; q < columns.end; ++q) to[q * Step] = from[r * Part::width + q] + (add ? to[q * Step] : T(0));
    }
  }

 private:
  struct Range {
    int begin, end;
  };
  struct Ranges {
    Range rows, columns;
  };
  /// What of a phase is not padding.
  static constexpr Ranges inside(int phase) {
    const auto range = [](int first, int pad, int size, int most) {
      const int begin = std::min(ceil_div(std::max(0, pad - first), Step), most);
      return Range{begin, std::clamp(ceil_div(std::max(0, size + pad - first), Step), begin, most)};
    };
    return {range(phase / Step, Pad.height, Whole::height, Part::height), range(phase % Step, Pad.width, Whole::width, Part::width)};
  }
  /// Where its row's column 0 lies, which may be in the padding.
  static constexpr std::ptrdiff_t place(int phase, int r) { return std::ptrdiff_t(r * Step + phase / Step - Pad.height) * Whole::width + phase % Step - Pad.width; }
};

/// A sample's planes with their padding, pixels that one weight meets beside each other: [channel][row % stride][column % stride]
/// [row / stride][column / stride]. With output (row, column) a weight meets the pixel of_weight + row pitch + column: the same for all
/// outputs, so that these can be gone through as if they were one row, whatever their width. The few at the end of each row that
/// are no outputs are computed too and dropped.
template <class T, class W>
struct Planes {
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr Size stride = W::stride, pad = W::pad, dilation = W::dilation;
  static constexpr int rows = ceil_div(In::height + 2 * pad.height, stride.height), pitch = ceil_div(In::width + 2 * pad.width, stride.width);
  static constexpr std::ptrdiff_t phase = std::ptrdiff_t(rows) * pitch, plane = phase * stride.height * stride.width, size = plane * In::channels;
  /// Pixels from the first to the last output; and in whole vectors.
  static constexpr int pixels = (Out::height - 1) * pitch + Out::width, vectors = ceil_div(pixels, lanes::width<T>);
  /// Scalars of memory: the last vector of the last plane reads past it.
  static constexpr std::size_t memory = padded(std::size_t(size) + lanes::width<T>);

  static constexpr std::ptrdiff_t of_row(int ky) { return ky * dilation.height % stride.height * stride.width * phase + ky * dilation.height / stride.height * pitch; }
  static constexpr std::ptrdiff_t of_column(int kx) { return kx * dilation.width % stride.width * phase + kx * dilation.width / stride.width; }
  /// Weights are counted [channel][ky][kx].
  static constexpr std::ptrdiff_t of_weight(int w) {
    return w / W::taps * plane + of_row(w % W::taps / W::kernel.width) + of_column(w % W::kernel.width);
  }

  /// Of column px + i stride of a row with its padding: the first i that lies in the input, and the first behind it.
  static constexpr int begin_column(int px) { return ceil_div(std::max(0, pad.width - px), stride.width); }
  static constexpr int end_column(int px) { return ceil_div(std::max(0, In::width + pad.width - px), stride.width); }
  static constexpr int begin_row(int py) { return ceil_div(std::max(0, pad.height - py), stride.height); }
  static constexpr int end_row(int py) { return ceil_div(std::max(0, In::height + pad.height - py), stride.height); }

  static void fill(const T* x, T* to) {
    for (int c = 0; c < In::channels; ++c)
      for (int r = 0; r < rows; ++r)
        for (int py = 0; py < stride.height; ++py) {
          const bool there = r >= begin_row(py) && r < end_row(py);
          const T* from = x + (std::ptrdiff_t(c) * In::height + r * stride.height + py - pad.height) * In::width - pad.width;
          T* line = to + c * plane + py * stride.width * phase + r * pitch;
          for (int px = 0; px < stride.width; ++px, line += phase) {
            const int begin = there ? begin_column(px) : pitch, end = there ? end_column(px) : pitch;
            for (int i = 0; i < begin; ++i) line[i] = T(0);
            for (int i = begin; i < end; ++i) line[i] = from[i * stride.width + px];
            for (int i = end; i < pitch; ++i) line[i] = T(0);
          }
        }
    std::fill_n(to + size, lanes::width<T>, T(0));
  }
  /// dx = (or +=) what `from` holds of it: of some channels one phase, from its row begin_row on, channels `apart` from each other.
  static void put(const T* from, std::ptrdiff_t apart, int py, int px, T* dx, bool add) {
    for (int c = 0; c < In::channels; ++c)
      for (int r = begin_row(py); r < end_row(py); ++r) {
        const T* row = from + c * apart + std::ptrdiff_t(r - begin_row(py)) * pitch;
        T* to = dx + (std::ptrdiff_t(c) * In::height + r * stride.height + py - pad.height) * In::width + px - pad.width;
        if (add)
          for (int i = begin_column(px); i < end_column(px); ++i) to[i * stride.width] += row[i];
        else
          for (int i = begin_column(px); i < end_column(px); ++i) to[i * stride.width] = row[i];
      }
  }
};

}  // namespace dropnet::detail
