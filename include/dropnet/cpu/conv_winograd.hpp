#pragma once

#include <algorithm>
#include <cstddef>

#include "dropnet/core/blob.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_direct.hpp"
#include "dropnet/cpu/conv_few_tiles.hpp"
#include "dropnet/cpu/conv_sums.hpp"
#include "dropnet/cpu/conv_tiles.hpp"
#include "dropnet/cpu/conv_transforms.hpp"
#include "dropnet/cpu/conv_wide.hpp"
#include "dropnet/cpu/winograd.hpp"

namespace dropnet::winograd {

// Convolution with a 3x3 or 5x5 kernel at stride 1. A task takes some tiles of some images, a tile in each lane; it transforms their
// windows, channel by channel, multiplies channels by filters for each of the 36 points, and transforms back.

/// Rows of tiles for a task whose transformed values take `row` bytes each: as many as the second cache holds beside the weights.
constexpr int rows_for(std::size_t row, std::size_t cache, int rows) {
  const int most = std::clamp(int(cache / row), 1, rows), tasks = ceil_div(rows, most);
  return ceil_div(rows, tasks);
}

/// Forward, and with turned weights the input's gradient: F planes out of In's.
template <class T, class In, class Out, int K, int Pad>
struct Correlate {
  static constexpr int L = lanes::width<T>, M = outputs, N = points(K), products = N * N, C = In::channels, F = Out::channels;
  static constexpr Grid tiles = grid_of<Out>;
  static constexpr int rows = rows_for(std::size_t(C + F) * products * tiles.columns * L * sizeof(T), 600'000, tiles.rows);
  static constexpr int most = rows * tiles.columns;  ///< vectors of a part
  static constexpr Parts parts(int batch) { return {tiles, rows, L, batch}; }
  static constexpr Strip<T> source{plane_of<In>, tiles, N, Pad}, target{plane_of<Out>, tiles, M, 0};

  // B filters x V tiles of sums, V values and one weight have to stay in registers.
  static constexpr int most_vectors = 2;
  static constexpr int B = even_block(F, lanes::registers >= 32 ? 10 : 5);
  static constexpr int blocks = (F + B - 1) / B;
  static constexpr int padded_filters = (blocks * B + L - 1) / L * L;
  static constexpr std::size_t packed_point = apart<T>(std::size_t(C) * padded_filters);
  static constexpr std::size_t packed = packed_point * products;

  static constexpr std::size_t in_point = apart<T>(std::size_t(C) * most * L), out_point = apart<T>(std::size_t(blocks) * B * most * L);
  static constexpr std::size_t strip = std::max(source.size(rows), target.size(rows));
  static constexpr FewTiles<T, K> of_few{plane_of<In>, plane_of<Out>, C, F, Pad, packed_point, padded_filters};
  static constexpr std::size_t scratch = std::max(strip + products * (in_point + out_point), of_few.scratch());
  using Wide = WideCorrelate<T, In, Out, K, Pad>;
  /// Whether the whole batch has few tiles.
  static constexpr bool few(int batch) { return batch * tiles.tiles() <= of_few.most; }

  /// G g G' for channel c and all filters, packed as [point][channel][filter].
  static void pack(const Kernels<T>& weights, int c, T* to) {
    for (int f = 0; f < padded_filters; f += L)
      transform_kernels<K, packed_point>(weights, f, std::min(L, F - f), c, to + std::size_t(c) * padded_filters + f);
  }

  /// x, y: the first sample. Filters before `first_filter` are left as they are; channels before `first_channel` are passed over.
  /// What a bias was added to becomes at least `least`.
  static void run(const Part& part, const T* x, const T* weights, const T* bias, T* y, T* memory, int first_filter, int first_channel, bool add, T least) {
    if (of_few.serves(part)) return of_few.run(part, x, weights, bias, y, memory, first_filter, first_channel, add, least);
    T* v = memory + strip;
    T* m = v + products * in_point;
    transform_inputs<source, N, most, in_point>(part, x, first_channel, C, memory, v);
    for (int k = 0; k < products; ++k)
      multiply(part.vectors, v + std::size_t(k) * in_point, weights + std::size_t(k) * packed_point, m + std::size_t(k) * out_point, first_filter, first_channel);
    for (int f = first_filter; f < F; ++f)
      transform_outputs<target, N, out_point>(part, m + std::size_t(f * most) * L, bias ? bias[f] : T(0), least, memory, y + std::size_t(f) * Out::plane, add);
  }

 private:
  static void multiply(int vectors, const T* v, const T* w, T* m, int first_filter, int first_channel) {
    const auto block = [&]<int Filters>(int first) {
      const int steps = ceil_div(vectors, most_vectors);
      for (int s = 0, t = 0; s < steps; ++s) {
        const int count = ceil_div(vectors - t, steps - s);
        lanes::with_count<most_vectors>(count, [&]<int Count>() {
          multiply_tile<T, Filters, Count, most, padded_filters, false>(v + std::size_t(first_channel * most + t) * L, w + std::size_t(first_channel) * padded_filters + first,
                                                                        m + std::size_t(first * most + t) * L, C - first_channel);
        });
        t += count;
      }
    };
    each_block<B>(first_filter, blocks, block);
  }
};

/// The weights' gradient: for each point the sum over all tiles of channel times filter, transformed back once. Channels, or filters
/// where that fills registers better, lie in the lanes of these sums.
template <class T, class In, class Out, int K, int Pad>
struct Gradient {
  using Packet = lanes::Packet<T>;
  static constexpr int L = lanes::width<T>, M = outputs, N = points(K), products = N * N, C = In::channels, F = Out::channels;
  static constexpr Grid tiles = grid_of<Out>;
  static constexpr int rows = rows_for(std::size_t(C + F) * products * tiles.columns * L * sizeof(T), 600'000, tiles.rows);
  static constexpr int most = rows * tiles.columns;  ///< vectors of a part
  static constexpr Parts parts(int batch) { return {tiles, rows, L, batch}; }
  static constexpr Strip<T> source{plane_of<In>, tiles, N, Pad}, target{plane_of<Out>, tiles, M, 0};

  static constexpr bool channels_in_lanes = ceil_div(C, L) * F <= ceil_div(F, L) * C;
  static constexpr int across = channels_in_lanes ? C : F, down = channels_in_lanes ? F : C;
  // B x V registers of sums, V of values and one factor.
  static constexpr int vectors = ceil_div(across, L);
  static constexpr int most_vectors = lanes::registers >= 32 ? 4 : 2;
  static constexpr int V = ceil_div(vectors, ceil_div(vectors, most_vectors));
  static constexpr int B = even_block(down, std::max(1, (lanes::registers - 8) / V));
  static constexpr int blocks = ceil_div(down, B);
  static constexpr int padded_across = ceil_div(vectors, V) * V * L, padded_down = blocks * B;

  static constexpr std::size_t in_point = apart<T>(std::size_t(channels_in_lanes ? padded_across : padded_down) * most * L);
  static constexpr std::size_t out_point = apart<T>(std::size_t(channels_in_lanes ? padded_down : padded_across) * most * L);
  static constexpr std::size_t strip = std::max(source.size(rows), target.size(rows));
  static constexpr std::size_t turned = std::size_t(most) * L * padded_across;
  static constexpr std::size_t scratch = strip + products * (in_point + out_point) + turned;
  static constexpr std::size_t point_sums = std::size_t(padded_down) * padded_across;
  static constexpr std::size_t sums = products * point_sums;
  using Wide = WideGradient<T, In, Out, K, Pad>;

  /// Adds one part to the sums of products, [point][down][across], or begins them with it, and adds it to the biases' gradients. x, dy: the
  /// first sample; filters before `first_filter` are passed over. Sums for these, and for what lies past the last filter and channel,
  /// are of whatever memory holds there.
  static void run(const Part& part, const T* x, const T* dy, T* memory, T* sum, bool begins, T* db, int first_filter) {
    T* v = memory + strip;
    T* p = v + products * in_point;
    T* lines = p + products * out_point;
    transform_inputs<source, N, most, in_point>(part, x, 0, C, memory, v);
    transform_gradients<target, N, most, out_point>(part, dy, first_filter, F, memory, p, db);
    const int first_vector = channels_in_lanes ? 0 : first_filter / L;
    for (int k = 0; k < products; ++k) {
      const T* of_channels = v + std::size_t(k) * in_point;
      const T* of_filters = p + std::size_t(k) * out_point;
      turn(part.vectors, channels_in_lanes ? of_channels : of_filters, lines, first_vector);
      for (int a = first_vector / V * V; a < vectors; a += V)
        each_block<B>(channels_in_lanes ? first_filter : 0, blocks, [&]<int Rows>(int first) {
          tile<Rows>(part.vectors * L, lines + a * L, (channels_in_lanes ? of_filters : of_channels) + std::size_t(first * most) * L,
                     sum + std::size_t(k) * point_sums + std::size_t(first) * padded_across + a * L, begins);
        });
    }
  }

  /// Adds row `d` of all points' sums, of `pieces` that lie `between` apart, to dw [filter][channel][row][column].
  static void finish(const T* sum, int pieces, std::size_t between, int d, T* dw, int first_filter) {
    for (int a = channels_in_lanes ? 0 : first_filter / L; a < vectors; ++a) {
      const T* from = sum + std::size_t(d) * padded_across + a * L;
      both_ways<N, K, T>(
          [](const Line<T, N>& line) { return kernel_transposed<K>(line); },
          [&](int i, int j) {
            const T* at = from + std::size_t(i * N + j) * point_sums;
            Packet all = lanes::load(at);
            for (int piece = 1; piece < pieces; ++piece) all = lanes::plus(all, lanes::load(at + std::size_t(piece) * between));
            return all;
          },
          [&](int ky, int kx, const Packet& g) {
            T lane[std::size_t(L)];
            lanes::store(lane, g);
            for (int l = 0; l < L && a * L + l < across; ++l) {
              const int f = channels_in_lanes ? d : a * L + l, c = channels_in_lanes ? a * L + l : d;
              if (f >= first_filter) dw[((std::ptrdiff_t(f) * C + c) * K + ky) * K + kx] += lane[l];
            }
          });
    }
  }

 private:
  /// [across][tile] becomes [tile][across].
  static void turn(int count, const T* from, T* to, int first_vector) {
    int a = first_vector / V * V;
    for (; a < across / L; ++a) turn_vector<L>(count, from, to, a);
    if constexpr (across % L > 0) turn_vector<across % L>(count, from, to, a);
  }
  template <int Lanes>
  static EIGEN_ALWAYS_INLINE void turn_vector(int count, const T* from, T* to, int a) {
    for (int t = 0; t < count; ++t)
      lanes::transpose<T>([&](int l) { return l < Lanes ? lanes::load(from + std::size_t((a * L + l) * most + t) * L) : lanes::all(T(0)); },
                          [&](int l, const Packet& tile_of) { lanes::store(to + std::size_t(t * L + l) * padded_across + a * L, tile_of); });
  }

  template <int Rows>
  static void tile(int count, const T* along, const T* factors, T* to, bool begins) {
    using Totals = lanes::Sums<T, Rows, V>;
    Totals totals = begins ? Totals() : Totals(to, padded_across);
    totals.add(count, factors, most * L, 1, along, padded_across);
    totals.store_to(to, padded_across);
  }
};

// What a sample takes, in vector operations times lanes, by count.

/// To gather, transform and scatter a tile of one channel.
constexpr double transforms(int kernel) { return 7.0 * points(kernel) * points(kernel); }

/// Sums of few channels are soon done and wait for memory: they count as `least` more.
template <class In, class Out, int K>
constexpr double correlation_count(double least = 0) {
  return grid_of<Out>.tiles() * (points(K) * points(K) * (In::channels + least) * Out::channels + transforms(K) * (In::channels + Out::channels));
}
template <class T, class In, class Out, int K, int Pad>
inline constexpr double gradient_count = [] {
  using Here = Gradient<T, In, Out, K, Pad>;
  return Here::tiles.tiles() * (double(Here::sums) + 5.0 * Here::products * Here::padded_across + transforms(K) * (In::channels + Out::channels));
}();

template <class T, class In, class Out, int K, int Pad>
constexpr bool correlation_pays() {
  if constexpr (!serves(K) || Pad >= K) {
    return false;
  } else {
    using W = Window<In, Out, Size(K), Size(1), Size(Pad)>;
    using Direct = typename detail::DirectConv<W, T>::Forward;
    return correlation_count<In, Out, K>() < double(Direct::out_plane) * K * K * In::channels * Direct::blocks * Direct::B;
  }
}

/// The direct kernel runs at half speed.
template <class T, class In, class Out, int K, int Pad>
constexpr bool gradient_pays() {
  if constexpr (!serves(K) || Pad >= K) {
    return false;
  } else {
    using Direct = direct::Gradient<T, Window<In, Out, Size(K), Size(1), Size(Pad)>>;
    return gradient_count<T, In, Out, K, Pad> < 2.0 * Direct::out_plane * K * K * In::channels * Direct::blocks * Direct::B;
  }
}

}  // namespace dropnet::winograd

namespace dropnet::detail {

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
    const winograd::Parts parts = Kernel::parts(batch);
    const std::size_t operations = conv_operations<W>(batch);
    cpu.parallel(Kernel::C - first_channel, cpu.divided_with(parts.count(), operations, Kernel::packed), [&](int c, int) { Kernel::pack(weights, first_channel + c, packed); });
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
      const winograd::Parts parts = Gradient::parts(x.batch);
      const Pieces split{parts.count()};
      constexpr std::size_t each = Gradient::sums + padded(Out::channels);
      T* partial = cpu.shared_scratch<T>(each * std::size_t(split.pieces()));
      cpu.parallel(split.pieces(), operations, [&](int piece, int worker) {
        T* const sums = partial + std::size_t(piece) * each;
        T* const of_biases = sums + Gradient::sums;
        std::fill_n(of_biases, Out::channels, T(0));
        for (int i = split.begin(piece); i < split.end(piece); ++i)
          Gradient::run(parts[i], x.data, y.diff, cpu.scratch<T>(worker, Gradient::scratch), sums, i == split.begin(piece), of_biases, y.from);
      });
      if (!w.add) std::fill_n(w.diff, W::weights, T(0));
      const int first = Gradient::channels_in_lanes ? y.from : 0;
      cpu.parallel(Gradient::down - first, cpu.divided_with(split.pieces(), operations, Gradient::sums),
                   [&](int i, int) { Gradient::finish(partial, split.pieces(), each, first + i, w.diff, y.from); });
      sum_pieces(cpu, partial + Gradient::sums, split.pieces(), each, b.diff, Out::channels, b.add);
    }
  }
};

}  // namespace dropnet::detail
