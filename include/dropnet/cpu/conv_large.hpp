#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/shape.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_groups.hpp"
#include "dropnet/cpu/conv_patches.hpp"
#include "dropnet/cpu/conv_planes.hpp"
#include "dropnet/cpu/conv_sums.hpp"
#include "dropnet/cpu/conv_tiles.hpp"
#include "dropnet/cpu/lanes.hpp"
#include "dropnet/cpu/winograd.hpp"

namespace dropnet::winograd {

// A large kernel at stride 1 is cut into parts of 4x4 taps. What part (p, q) meets in a tile of 4x4 outputs is what the first part meets
// p tiles below and q to the right. So all parts share the windows' transforms, and at each of the 49 points there remains a convolution
// of the planes of transformed windows with kernels of as many taps as there are parts: 3x3 for 11x11, 28 products for an output instead
// of 121.

/// Channels of In by Out's, each [point][channel][row of tiles][column of tiles]; a tile in each lane.
template <class T, class In, class Out, Size Kernel, Size Pad>
struct Large {
  static constexpr int L = lanes::width<T>, M = outputs, part = 4, N = points(part), products = N * N;
  static constexpr Size parts{ceil_div(Kernel.height, part), ceil_div(Kernel.width, part)};
  static constexpr int C = In::channels, F = Out::channels, of_pair = parts.height * parts.width, taps = Kernel.height * Kernel.width;
  static_assert(part == M, "parts must lie as far apart as tiles");
  using in = In;
  using out = Out;
  using Windows = Image<products * C, grid_of<Out>.rows + parts.height - 1, grid_of<Out>.columns + parts.width - 1>;
  /// Rows as long as those of windows: what lies behind the last column is no tile, but a plane is one piece.
  using Tiles = Image<products * F, grid_of<Out>.rows, Windows::width>;
  /// A point's share of them.
  struct WindowsAtPoint : detail::GroupShape<Windows, products> {
    static constexpr bool goes_on = true;
  };
  using TilesAtPoint = detail::GroupShape<Tiles, products>;
  using AtPoint = Window<WindowsAtPoint, TilesAtPoint, parts, Size(1), Size(0)>;
  static constexpr std::size_t window_point = std::size_t(C) * Windows::plane, tile_point = std::size_t(F) * Tiles::plane, pair_point = std::size_t(F) * C * of_pair;

  /// A plane's phases, in which pixels that lie M apart are beside each other.
  template <class Shape, class Across, Size Before>
  struct Phases {
    using Part = Image<1, Across::height + 1, Across::width + 1 + L>;
    static constexpr std::size_t size = M * M * Part::size;
    static void take(const T* plane, T* to) {
      for (int phase = 0; phase < M * M; ++phase) detail::Phases<T, Shape, Part, M, Before>::take(plane, phase, to + std::size_t(phase) * Part::size);
    }
    /// Pixel (r, q) of the windows or tiles in a row from `from` on.
    static EIGEN_ALWAYS_INLINE lanes::Packet<T> load(const T* from, int r, int q) {
      return lanes::load(from + std::size_t(r % M * M + q % M) * Part::size + std::size_t(r / M * Part::width + q / M));
    }
  };
  using InPhases = Phases<In, Windows, Pad>;
  using OutPhases = Phases<Out, Tiles, Size(0)>;
  static constexpr std::size_t phases = std::max(InPhases::size, OutPhases::size);

  /// work(row, column, how many) for what lanes hold together of so many rows and columns.
  template <class Work>
  static EIGEN_ALWAYS_INLINE void each_vector(int rows, int columns, Work work) {
    for (int row = 0; row < rows; ++row)
      for (int column = 0; column < columns; column += L) work(row, column, std::min(L, columns - column));
  }
  static EIGEN_ALWAYS_INLINE void put(const lanes::Packet<T>& p, int count, T* to) {
    if (count == L) return lanes::store(to, p);
    T lane[std::size_t(L)];
    lanes::store(lane, p);
    std::copy_n(lane, count, to);
  }

  /// B' d B of a channel's windows.
  static void transform_inputs(const T* x, T* memory, T* to) {
    InPhases::take(x, memory);
    each_vector(Windows::height, Windows::width, [&](int row, int column, int count) {
      const T* from = memory + row * InPhases::Part::width + column;
      both_ways<N, N, T>([](const Line<T, N>& line) { return input<N>(line); }, [&](int r, int q) { return InPhases::load(from, r, q); },
                         [&](int i, int j, const lanes::Packet<T>& p) { put(p, count, to + std::size_t(i * N + j) * window_point + row * Windows::width + column); });
    });
  }
  /// A dy A' of a filter's tiles.
  static void transform_gradients(const T* dy, T* memory, T* to) {
    OutPhases::take(dy, memory);
    each_vector(Tiles::height, Tiles::width, [&](int row, int column, int count) {
      const T* from = memory + row * OutPhases::Part::width + column;
      both_ways<M, N, T>([](const Line<T, M>& line) { return output_transposed<N>(line); }, [&](int r, int q) { return OutPhases::load(from, r, q); },
                         [&](int i, int j, const lanes::Packet<T>& p) { put(p, count, to + std::size_t(i * N + j) * tile_point + row * Tiles::width + column); });
    });
  }
  /// max(A' m A + bias, least) of a filter's tiles, or added to y. A vector reads past the last tiles.
  static void transform_outputs(const T* from, T bias, T least, T* y, bool add) {
    each_vector(Tiles::height, grid_of<Out>.columns, [&](int row, int column, int count) {
      T pixels[M][M][std::size_t(L)];
      both_ways<N, M, T>([](const Line<T, N>& line) { return output<N>(line); },
                         [&](int i, int j) { return lanes::load(from + std::size_t(i * N + j) * tile_point + row * Tiles::width + column); },
                         [&](int r, int q, const lanes::Packet<T>& p) { lanes::store(pixels[r][q], lanes::at_least(lanes::plus(p, lanes::all(bias)), least)); });
      for (int r = 0; r < std::min(M, Out::height - row * M); ++r) {
        T* const to = y + (row * M + r) * Out::width + column * M;
        for (int i = 0; i < std::min(count * M, Out::width - column * M); ++i) to[i] = pixels[r][i % M][i / M] + (add ? to[i] : T(0));
      }
    });
  }

  /// Calls work(place in a kernel, place in a part) for the taps that part `p` has of a kernel.
  template <class Work>
  static void each_tap(int p, Work work) {
    const int top = p / parts.width * part, left = p % parts.width * part;
    for (int r = 0; r < std::min(part, Kernel.height - top); ++r)
      for (int q = 0; q < std::min(part, Kernel.width - left); ++q) work((top + r) * Kernel.width + left + q, r * part + q);
  }
  /// G g G' of all parts of filter f, [point][filter][channel][part]; kernel(c) gives where channel c's begins. A part in each lane.
  template <class KernelOf>
  static void transform_kernels(int f, bool turned, KernelOf kernel_of, T* to) {
    for (int at = 0; at < C * of_pair; at += L) {
      const int count = std::min(L, C * of_pair - at);
      T g[part * part][std::size_t(L)] = {};
      for (int l = 0; l < count; ++l) {
        const T* from = kernel_of((at + l) / of_pair);
        each_tap((at + l) % of_pair, [&](int tap, int place) { g[place][l] = from[turned ? taps - 1 - tap : tap]; });
      }
      both_ways<part, N, T>([](const Line<T, part>& line) { return kernel<part>(line); }, [&](int r, int q) { return lanes::load(g[r * part + q]); },
                            [&](int i, int j, const lanes::Packet<T>& p) { put(p, count, to + std::size_t(i * N + j) * pair_point + std::size_t(f) * C * of_pair + std::size_t(at)); });
    }
  }
  /// Adds G' s G of all parts of filter f to its kernels' gradients. A vector reads past the last parts.
  static void transform_kernels_back(int f, const T* from, T* dw) {
    for (int at = 0; at < C * of_pair; at += L) {
      T g[part * part][std::size_t(L)];
      both_ways<N, part, T>([](const Line<T, N>& line) { return kernel_transposed<part>(line); },
                            [&](int i, int j) { return lanes::load(from + std::size_t(i * N + j) * pair_point + std::size_t(f) * C * of_pair + std::size_t(at)); },
                            [&](int r, int q, const lanes::Packet<T>& p) { lanes::store(g[r * part + q], p); });
      for (int l = 0; l < std::min(L, C * of_pair - at); ++l) {
        T* const to = dw + (std::size_t(f) * C + std::size_t((at + l) / of_pair)) * taps;
        each_tap((at + l) % of_pair, [&](int tap, int place) { to[tap] += g[place][l]; });
      }
    }
  }
};

/// By count, in vector operations times lanes: a transform of a vector's windows or tiles is mostly memory's time, a pair of channel and
/// filter takes its kernel's transform once for a batch, say of 16.
template <class T, class In, class Out, Size Kernel, Size Pad>
constexpr bool large_pays() {
  if constexpr (Pad.height >= Kernel.height || Pad.width >= Kernel.width) {
    return false;
  } else {
    using Here = Large<T, In, Out, Kernel, Pad>;
    constexpr auto vectors = [](double channels, int rows, int columns) { return channels * rows * ceil_div(columns, Here::L) * Here::L; };
    constexpr double pairs = double(Here::C) * Here::F, kernels = 300 * pairs * Here::of_pair, products = pairs * Here::of_pair * Here::products * Here::Tiles::plane;
    constexpr double transforms = 50.0 * Here::products * (vectors(Here::C, Here::Windows::height, Here::Windows::width) + vectors(Here::F, Here::Tiles::height, Here::Tiles::width));
    constexpr bool near = Here::products * Here::pair_point * sizeof(T) <= 200'000'000;  // what the kernels take
    return near && products + kernels + transforms < pairs * Here::taps * double(Out::plane);
  }
}

}  // namespace dropnet::winograd

namespace dropnet::detail {

template <class W, class T>
struct LargeConv {
  static constexpr const char* name = "winograd in parts";
  using In = typename W::in;
  using Out = typename W::out;
  using Forward = winograd::Large<T, In, Out, W::kernel, W::pad>;
  using Backward = winograd::Large<T, Out, In, W::kernel, Size(W::kernel.height - 1 - W::pad.height, W::kernel.width - 1 - W::pad.width)>;

  static void forward(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y, T least) {
    correlate<Forward>(cpu, x.batch, x.data, 0, {w.data, Forward::C, 1, false}, b.data, y.data, y.from, false, least);
  }
  static void backward_data(Cpu& cpu, Blob<T, In> x, Weight<T> w, Blob<T, Out> y) {
    correlate<Backward>(cpu, x.batch, y.diff, y.from, {w.data, 1, Forward::C, true}, nullptr, x.diff, 0, x.add, no_least<T>);
  }
  static void backward_weights(Cpu& cpu, Blob<T, In> x, Weight<T> w, Weight<T> b, Blob<T, Out> y) {
    using Kernel = Forward;
    const Memory<Kernel> memory(cpu, x.batch);
    in_turn(x.batch, memory.most, [&](int first, int count) {
      transform_inputs(cpu, memory, x.sample(first), 0, count);
      each_plane<Kernel>(cpu, count, y.from, Kernel::F, [&](int n, int f, T* phases) {
        Kernel::transform_gradients(y.sample_diff(first + n) + std::size_t(f) * Out::plane, phases, memory.tile(n, f));
      });
      each_point(cpu, memory, count, y.from, [&](auto kernel, Cpu& alone, auto windows, auto kernels, auto biases, auto tiles) {
        kernels.add = first > 0;
        kernel.backward_weights(alone, windows, kernels, biases, tiles);
      });
    });
    if (!w.add) std::fill_n(w.diff, W::weights, T(0));
    cpu.parallel(Kernel::F - y.from, conv_operations<W>(1), [&](int i, int) { Kernel::transform_kernels_back(y.from + i, memory.kernels, w.diff); });
    cpu.parallel(Kernel::F, Cpu::multiply_adds(y.size()), [&](int f, int) {
      T sum = b.add ? b.diff[f] : T(0);
      for (int n = 0; f >= y.from && n < y.batch; ++n) sum += array(y.sample_diff(n), std::size_t(f) * Out::plane, std::size_t(f + 1) * Out::plane).sum();
      b.diff[f] = sum;
    });
  }

 private:
  /// Of all points: kernels, the zeros that all have for biases, and some samples' windows and tiles. A vector reads past the last of each.
  template <class Kernel>
  struct Memory {
    using Windows = typename Kernel::Windows;
    using Tiles = typename Kernel::Tiles;
    static constexpr std::size_t sample = Windows::size + Tiles::size, slack = std::size_t(lanes::width<T> + Kernel::parts.width);
    static constexpr int most = int(std::clamp(std::size_t(80'000'000) / sizeof(T) / sample, std::size_t(1), std::size_t(32)));  ///< samples
    static constexpr std::size_t kernels_size = padded(Kernel::products * Kernel::pair_point + slack), biases_size = padded(std::size_t(Kernel::F));
    T *kernels, *biases, *windows, *tiles;

    Memory(Cpu& cpu, int batch) {
      const auto samples = std::size_t(std::min(most, batch));
      const std::size_t windows_size = padded(Windows::size * samples + slack), tiles_size = padded(Tiles::size * samples + slack);
      kernels = cpu.outer_scratch<T>(kernels_size + biases_size + windows_size + tiles_size);
      biases = kernels + kernels_size;
      windows = biases + biases_size;
      tiles = windows + windows_size;
    }
    T* window(int n, int c) const { return windows + std::size_t(n) * Windows::size + std::size_t(c) * Windows::plane; }
    T* tile(int n, int f) const { return tiles + std::size_t(n) * Tiles::size + std::size_t(f) * Tiles::plane; }
  };
  /// Calls work(sample, channel, memory for phases) for channels begin..end of so many samples.
  template <class Kernel, class Work>
  static void each_plane(Cpu& cpu, int samples, int begin, int end, Work work) {
    cpu.parallel(samples * (end - begin), conv_operations<W>(samples), [&](int task, int worker) {
      work(task / (end - begin), begin + task % (end - begin), cpu.scratch<T>(worker, Kernel::phases));
    });
  }
  /// Of so many samples at x; channels before the first one are zeros. Products of what lies behind the last window with zeros must be zeros.
  template <class Kernel>
  static void transform_inputs(Cpu& cpu, const Memory<Kernel>& memory, const T* x, int first_channel, int samples) {
    using Shape = typename Kernel::in;
    each_plane<Kernel>(cpu, samples, 0, Kernel::C, [&](int n, int c, T* phases) {
      if (c >= first_channel)
        Kernel::transform_inputs(x + std::size_t(n) * Shape::size + std::size_t(c) * Shape::plane, phases, memory.window(n, c));
      else
        for (int point = 0; point < Kernel::products; ++point) std::fill_n(memory.window(n, c) + std::size_t(point) * Kernel::window_point, Kernel::Windows::plane, T(0));
    });
    std::fill_n(memory.window(samples, 0), memory.slack, T(0));
  }
  /// Calls work(kernel, Cpu, windows, kernels, biases, tiles) for the convolution at each point.
  template <class Kernel, class Work>
  static void each_point(Cpu& cpu, const Memory<Kernel>& memory, int samples, int first_filter, Work work) {
    cpu.each_alone(Kernel::products, conv_operations<W>(samples), [&](int point, Cpu& alone) {
      const auto at = std::size_t(point);
      T *const tiles = memory.tiles + at * Kernel::tile_point, *const kernels = memory.kernels + at * Kernel::pair_point;
      work(PatchConv<typename Kernel::AtPoint, T>{}, alone, Blob<T, typename Kernel::WindowsAtPoint>{memory.windows + at * Kernel::window_point, nullptr, samples},
           Weight<T>{kernels, kernels}, Weight<T>{memory.biases}, Blob<T, typename Kernel::TilesAtPoint>{tiles, tiles, samples, false, first_filter});
    });
  }

  /// Where the kernel of filter f and channel c lies among the weights, and whether it is turned by half a turn.
  struct Kernels {
    const T* data;
    std::ptrdiff_t filter, channel;
    bool turned;
  };
  template <class Kernel>
  static void correlate(Cpu& cpu, int batch, const T* x, int first_channel, Kernels w, const T* bias, T* y, int first_filter, bool add, T least) {
    using Source = typename Kernel::in;
    using Target = typename Kernel::out;
    const Memory<Kernel> memory(cpu, batch);
    std::fill_n(memory.biases, memory.biases_size, T(0));
    cpu.parallel(Kernel::F - first_filter, conv_operations<W>(1), [&](int i, int) {
      const int f = first_filter + i;
      Kernel::transform_kernels(f, w.turned, [&](int c) { return w.data + (f * w.filter + c * w.channel) * W::taps; }, memory.kernels);
    });
    in_turn(batch, memory.most, [&](int first, int count) {
      transform_inputs(cpu, memory, x + std::size_t(first) * Source::size, first_channel, count);
      each_point(cpu, memory, count, first_filter, [&](auto kernel, Cpu& alone, auto windows, auto kernels, auto biases, auto tiles) {
        kernel.forward(alone, windows, kernels, biases, tiles, no_least<T>);
      });
      each_plane<Kernel>(cpu, count, first_filter, Kernel::F, [&](int n, int f, T*) {
        T* const to = y + std::size_t(first + n) * Target::size + std::size_t(f) * Target::plane;
        Kernel::transform_outputs(memory.tile(n, f), bias ? bias[f] : T(0), least, to, add);
      });
    });
  }
};

}  // namespace dropnet::detail
