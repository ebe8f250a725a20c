#pragma once

// What the library dropnet_kernels offers: launches of dropnet's own CUDA kernels. All pointers but those of `poke`'s
// source are device memory; all work is queued on the stream. Nothing here needs a CUDA header.

#include <compare>
#include <cstddef>
#include <cstdint>

#include "dropnet/core/batch_norm.hpp"
#include "dropnet/core/blob.hpp"
#include "dropnet/core/ceil_div.hpp"
#include "dropnet/core/dropout.hpp"
#include "dropnet/core/pick.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/core/sgd_step.hpp"
#include "dropnet/core/tally.hpp"
#include "dropnet/core/window.hpp"

struct CUstream_st;

namespace dropnet::kernels {

using Stream = CUstream_st*;

/// What changes from iteration to iteration, in device memory: a recorded launch reads it anew each time.
struct Clock {
  std::uint64_t time = 0;       ///< of random draws
  std::uint64_t iteration = 0;  ///< of schedules
  double rate = 0;
};
/// How far one site has grown, beside it.
struct SiteState {
  std::uint64_t threshold = 0;
  std::uint32_t left_out = 0;
  float p = 1;
};

/// Copies up to a few kilobytes of host memory, taken at the call, to the device. `bytes` is a multiple of 4.
void poke(Stream, void* to, const void* from, std::size_t bytes);

/// to = from, or to += from.
void copy(Stream, std::size_t size, const float* from, float* to, bool add);

/// y = a + b.
void add(Stream, std::size_t size, const float* a, const float* b, float* y);

/// A part of `part` values within each sample of `whole`, from `begin` on.
struct Slice {
  std::uint32_t samples, part, whole, begin;
};
void concat_forward(Stream, const Slice&, const float* part, float* y);
void concat_backward(Stream, const Slice&, const float* dy, float* dpart, bool add);

void relu_forward(Stream, std::size_t size, const float* x, float* y);
void relu_backward(Stream, std::size_t size, const float* x, const float* dy, float* dx, bool add);

struct Activation {
  enum Kind { leaky_relu, sigmoid, tanh } kind;
  float leak;
};
void activation_forward(Stream, Activation, std::size_t size, const float* x, float* y);
void activation_backward(Stream, Activation, std::size_t size, const float* x, const float* dy, float* dx, bool add);

/// Over the channels of each pixel.
void softmax_forward(Stream, int batch, int channels, int plane, const float* x, float* y);
void softmax_backward(Stream, int batch, int channels, int plane, const float* x, const float* dy, float* dx, bool add);

/// y = x with some units zero, the others grown. `random`'s time is the clock's.
void dropout_forward(Stream, std::size_t size, Random, const Clock*, const DropoutRatio&, const float* x, float* y);
void dropout_backward(Stream, std::size_t size, Random, const Clock*, const DropoutRatio&, const float* dy, float* dx, bool add);

/// Of n samples of `units` units each: y holds v; what is not let in becomes u. `kind` is a Mix::Kind.
struct Sites {
  int kind;
  const SiteState* state;
  Random random;
  const Clock* clock;
  std::uint32_t samples;
  std::uint32_t units;
};
void dropin_forward(Stream, const Sites&, const float* u, float* y);
/// Splits dy into du (unless it is null) and, in place, v's gradient.
void dropin_backward(Stream, const Sites&, float* du, bool add, float* dy);

struct Planes {
  int channels, height, width;
};
void resize_forward(Stream, int batch, Planes in, Planes out, const float* x, float* y);
void resize_backward(Stream, int batch, Planes in, Planes out, const float* dy, float* dx, bool add);

/// Windows of 2 half + 1 channels, or pixels in both directions; scale = k + share times the sum of squares. `roots`: scale^(-1/4).
struct Lrn {
  Planes shape;
  int half;
  bool across;
  float share, beta, k;
};
void lrn_forward(Stream, const Lrn&, int batch, const float* x, float* roots, float* y);
void lrn_backward(Stream, const Lrn&, int batch, const float* x, const float* roots, const float* dy, float* dx, bool add);

/// scale, shift and the running mean and variance have a value per channel.
struct BatchNorm {
  int batch, plane;
  float epsilon;
  bool by_batch;
  const float *scale, *shift, *mean, *variance;
  NormalizationState<float> state;
};
void batch_norm_forward(Stream, const BatchNorm&, const float* x, float* y);
/// Each may be null; `add`: as in Weight.
struct BatchNormGradients {
  float *scale, *shift, *mean, *variance;
  bool add;
};
/// dx may be null.
void batch_norm_backward(Stream, const BatchNorm&, const float* x, const float* dy, float* dx, bool add, const BatchNormGradients&);

/// `planes` counts samples times channels.
struct Pooling {
  std::uint32_t planes;
  int height, width, out_height, out_width;
  Size kernel, stride, pad;
};
void max_pool_forward(Stream, const Pooling&, const float* x, float* y, Index* indices);
void max_pool_backward(Stream, const Pooling&, const float* dy, const Index* indices, float* dx, bool add);
void average_pool_forward(Stream, const Pooling&, const float* x, float* y);
void average_pool_backward(Stream, const Pooling&, const float* dy, float* dx, bool add);

/// y[n][c][i] += bias[c], then with `relu` max(0, .).
void add_bias(Stream, int batch, int channels, int plane, const float* bias, bool relu, float* y);
/// db[c] = (or +=) sum over n, i of dy[n][c][i], in an order that depends on the sizes alone.
void bias_gradient(Stream, int batch, int channels, int plane, const float* dy, float* db, bool add);

// What kernels on tensor cores are divided into.

using detail::ceil_div;
/// The next multiple of `to`, and the next number that leaves the rest `rest` of `of`.
constexpr int up(int n, int to) { return ceil_div(n, to) * to; }
constexpr int to_rest(int n, int rest, int of) { return up(n - rest, of) + rest; }
/// Values that are copied at once along lines of n of them.
constexpr int piece(int n) { return n % 4 == 0 ? 4 : n % 2 == 0 ? 2 : 1; }
/// Bytes of shared memory of a block of splits * warps warps: `buffers` stages, of so many floats, and then the sums of a thread that
/// change hands.
constexpr std::size_t block_memory(int buffers, int stage, int splits, int warps, int sums) {
  const int stages = buffers * stage, handed_on = splits / 2 * warps * 32 * sums;
  return sizeof(float) * unsigned(stages > handed_on ? stages : handed_on);
}
/// Threads that a block may have whose warps have m x n tiles of 16 x 8 sums: the more sums in each, the fewer.
constexpr int block_threads(int m, int n) { return m * n > 4 ? 256 : 512; }

/// How a product's operands lie in memory, as BLAS names them: n as it is, t transposed.
enum class Operands { nn, nt, tn };
/// C = A B of row-major matrices, C rows x columns of so many terms.
struct Gemm {
  Operands operands;
  int rows, columns, terms;
  bool add = false;   ///< to what is written, instead of writing over it
  bool relu = false;  ///< max(0, .) behind the bias
  bool sums = false;  ///< also the sums of A's rows, of tn
  bool tf32 = false;  ///< values are rounded to tf32; else products are as exact as float's
  friend auto operator<=>(const Gemm&, const Gemm&) = default;
};
/// How it is divided. A warp computes m x n tiles of 16 x 8 sums; a block `warps` of them below each other, `splits` times,
/// which share the terms, of which `terms` come at a time, a multiple of 8.
struct GemmTile {
  int m, n, warps, splits, terms;
  friend bool operator==(const GemmTile&, const GemmTile&) = default;
};
/// What lies in shared memory, in floats: some terms of a block's rows of A, then of its columns of B.
struct GemmMemory {
  int a_pitch, a, b_pitch, b;
  constexpr int stage() const { return a + b; }
  constexpr GemmMemory(const Gemm& at, const GemmTile& tile) {
    // A warp reads 8 rows (or columns) of 4 terms: all from different banks.
    const int rows = tile.warps * tile.m * 16, columns = tile.n * 8;
    a_pitch = at.operands == Operands::tn ? to_rest(rows, 8, 16) : to_rest(tile.terms, 4, 8);
    a = (at.operands == Operands::tn ? tile.terms : rows) * a_pitch;
    b_pitch = at.operands == Operands::nt ? to_rest(tile.terms, 4, 8) : to_rest(columns, 8, 16);
    b = (at.operands == Operands::nt ? columns : tile.terms) * b_pitch;
  }
};
/// The columns that are computed.
constexpr int gemm_columns(const Gemm& at) { return at.columns + (at.sums ? 1 : 0); }
/// C = (or +=) A B, a bias for each column added unless it is null; with at.sums, sums = (or +=) the sums of A's rows.
void gemm(Stream, const Gemm&, const GemmTile&, const float* a, const float* b, const float* bias, float* c, float* sums);

/// A convolution of stride 1 with a square kernel of 3 or 5 a side, from [batch][channels][height][width] to
/// [batch][filters][out_height][out_width].
struct Convolution {
  int batch, channels, height, width, filters, out_height, out_width;
  int kernel, pad_rows, pad_columns;
  bool turned = false;  ///< weights are [channel][filter][tap], taps from the last to the first: an input gradient
  bool add = false;     ///< to what is written, instead of writing over it
  bool relu = false;    ///< max(0, .) behind the bias
  bool tf32 = false;    ///< values are rounded to tf32; else products are as exact as float's
};
/// How it is divided. A warp computes m x n tiles of 16 x 8 sums; a block as many warps as its rows ask for, `splits` times,
/// which share the terms. Forward, a block's rows are the pixels of `rows` rows of an image, and `channels` channels, a
/// multiple of 4 or all, come at a time. In a weight gradient they are all taps of `channels` channels, `rows` rows of an
/// image come at a time, and `parts` blocks share the images. Columns are filters.
struct ConvTile {
  int m, n, rows, splits, channels, parts = 1;
  int piece = 1;  ///< forward: weights are copied by 1, 2 or 4
  friend bool operator==(const ConvTile&, const ConvTile&) = default;
};
constexpr int conv_warps(const Convolution& at, const ConvTile& tile) { return ceil_div(tile.rows * at.out_width, 16 * tile.m); }
constexpr int conv_gradient_warps(const Convolution& at, const ConvTile& tile) { return ceil_div(at.kernel * at.kernel * tile.channels + 1, 16 * tile.m); }
/// Steps of eight terms in a row of taps: one by one of eight channels, two at a time of four.
constexpr int row_steps(int kernel, bool eight) { return eight ? kernel : ceil_div(kernel, 2); }
/// Values in a row of a weight gradient's parts: an even number.
constexpr int conv_part_row(const Convolution& at) { return (at.filters + 1) / 2 * 2; }
/// What lies in shared memory, in floats: channels of inputs, then weights or gradients.
struct ConvMemory {
  int rows;                ///< of a channel, with the zeros around it
  int left, pitch, plane;  ///< zeros before a row; from row to row, from channel to channel
  int inputs;
  int line, other_pitch, other;  ///< of the weights or gradients: values in a row, from row to row, in all
  constexpr int stage() const { return inputs + other; }

  static constexpr ConvMemory forward(const Convolution& at, const ConvTile& tile) {
    const int taps = at.kernel * at.kernel, channels = up(tile.channels, 4);
    // A warp reads 8 pixels beside each other of 4 channels, and 8 filters of 4 channels: all from different banks.
    ConvMemory m = input(at, tile, channels, 8, 32);
    m.line = (at.turned ? 8 * tile.n : channels) * taps;
    m.other_pitch = at.turned ? to_rest(m.line, 8, 16) : to_rest(m.line, 4, 8);
    m.other = up((at.turned ? channels : 8 * tile.n) * m.other_pitch, 4);
    return m;
  }
  static constexpr ConvMemory weight_gradient(const Convolution& at, const ConvTile& tile) {
    // A warp reads 4 pixels beside each other of 8 channels, and of 8 filters.
    ConvMemory m = input(at, tile, tile.channels + 1, 4, 32);
    m.line = tile.rows * up(at.out_width, 8);
    m.other_pitch = to_rest(m.line, 4, 32);
    m.other = 8 * tile.n * m.other_pitch;
    return m;
  }

 private:
  static constexpr ConvMemory input(const Convolution& at, const ConvTile& tile, int channels, int rest, int of) {
    ConvMemory m{};
    m.rows = tile.rows + at.kernel - 1;
    m.left = up(at.pad_columns, 4);
    m.pitch = up(at.width, 4) + m.left;
    m.plane = to_rest(m.rows * m.pitch + m.left + 8 + at.kernel, rest, of);
    m.inputs = channels * m.plane;
    return m;
  }
};
/// y = (or +=) w * x + bias; bias may be null.
void conv_forward(Stream, const Convolution&, const ConvTile&, const float* x, const float* w, const float* bias, float* y);
/// Floats of a part of a weight gradient, [channels' tile][tap, channel, then the bias][filter].
constexpr int conv_part(const Convolution& at, const ConvTile& tile) {
  return ceil_div(at.channels, tile.channels) * (at.kernel * at.kernel * tile.channels + 1) * conv_part_row(at);
}
constexpr std::size_t conv_parts(const Convolution& at, const ConvTile& tile) { return std::size_t(unsigned(tile.parts)) * unsigned(conv_part(at, tile)); }
/// dw = (or +=) dy * x, and db likewise unless it is null. `parts`: conv_parts floats of scratch memory.
void conv_weight_gradient(Stream, const Convolution&, const ConvTile&, const float* x, const float* dy, float* dw, float* db, float* parts);

/// As dropnet::softmax_loss; dy may be null.
void softmax_loss(Stream, int batch, int classes, const float* y, float* dy, const int* labels, int k, Tally*, int mean_of);

/// As dropnet::squared_loss, of `size` values a sample; dy may be null.
void squared_loss(Stream, int batch, int size, const float* y, const float* targets, float* dy, Tally*, int mean_of);

/// Clock::rate is the step's rate. `sums`: sgd_sums(count) doubles of scratch memory, used if step.clip is positive.
std::size_t sgd_sums(std::size_t count);
void sgd_update(Stream, const SgdStep&, const SgdRange* ranges, std::size_t count, const Clock*, float* w, const float* g, float* v, const Tally*,
                double* sums);

/// The picked images become x, less the mean and scaled, and their labels `labels`, or their targets, `target_size` values
/// each, `targets`. One of bytes and floats is null, and one of labels and targets; mean may be.
struct Images {
  const std::uint8_t* bytes;
  const float* floats;
  const float* mean;
  const int* labels;
  const float* targets;
  std::uint32_t target_size;
  Size shown, stored, origin;
  std::size_t image_size, stored_size;
  float scale;
};
void load_images(Stream, const Images&, const Pick* picks, int batch, float* x, int* labels, float* targets);

}  // namespace dropnet::kernels
