#pragma once

// What the library dropnet_kernels offers: launches of dropnet's own CUDA kernels. All pointers but those of `poke`'s
// source are device memory; all work is queued on the stream. Nothing here needs a CUDA header.

#include <cstddef>
#include <cstdint>

#include "dropnet/core/batch_norm.hpp"
#include "dropnet/core/blob.hpp"
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

/// Windows of 2 half + 1 channels, or pixels in both directions; scale = k + share times the sum of squares.
struct Lrn {
  Planes shape;
  int half;
  bool across;
  float share, beta, k;
};
void lrn_forward(Stream, const Lrn&, int batch, const float* x, float* scale, float* y);
void lrn_backward(Stream, const Lrn&, int batch, const float* x, const float* scale, const float* dy, float* dx, bool add);

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

/// y[n][c][i] += bias[c].
void add_bias(Stream, int batch, int channels, int plane, const float* bias, float* y);
/// db[c] = (or +=) sum over n, i of dy[n][c][i], in an order that depends on the sizes alone.
void bias_gradient(Stream, int batch, int channels, int plane, const float* dy, float* db, bool add);

/// A convolution of stride 1 with a square kernel of 3 or 5 a side, from [batch][channels][height][width] to
/// [batch][filters][out_height][out_width].
struct Convolution {
  int batch, channels, height, width, filters, out_height, out_width;
  int kernel, pad_rows, pad_columns;
  bool turned = false;  ///< weights are [channel][filter][tap], taps from the last to the first: an input gradient
  bool add = false;     ///< to what is written, instead of writing over it
  bool relu = false;    ///< max(0, .) behind the bias
};
/// How it is divided. A thread computes 4 or 5 filters, a block `groups` times as many over `rows` rows (an even number)
/// of an image; `splits` groups of threads share the terms of its sums, of which `channels` channels come at a time. In a
/// weight gradient a block computes all taps of `channels` channels, and `parts` blocks share the images.
struct ConvTile {
  int filters, rows, groups, splits, channels, parts = 1;
  friend bool operator==(const ConvTile&, const ConvTile&) = default;
};
/// What lies in shared memory, in floats.
struct ConvMemory {
  int rows, columns;  ///< of a channel, with the zeros around it
  int pitch, plane;   ///< from row to row, from channel to channel
  int pack;           ///< from the weights of a channel to those of the next
  int inputs, weights, gradients;
  constexpr ConvMemory(const Convolution& at, const ConvTile& tile)
      : rows(tile.rows + at.kernel - 1),
        columns(up(at.out_width, 4) + at.kernel - 1),
        pitch(up(columns, 4)),
        plane(0),
        // Odd numbers of fours: threads that touch the same place of neighbours find different banks.
        pack(odd(tile.groups * at.kernel * up(at.kernel * tile.filters, 4))),
        inputs(0),
        weights(tile.channels * pack),
        gradients(tile.groups * tile.filters * tile.rows * up(at.out_width, 4)) {
    // Threads read runs of 4 along a row, then two rows further down: they find different banks if those continue these.
    const int runs = up(at.out_width, 4) / 4;
    if (runs % 2 == 0)
      while (pitch % 16 != runs * 2 % 16) pitch += 4;
    plane = odd(rows * pitch);
    inputs = tile.channels * plane;
  }
  constexpr int forward() const { return inputs + weights; }
  constexpr int weight_gradient() const { return inputs + gradients; }

 private:
  static constexpr int up(int n, int to) { return (n + to - 1) / to * to; }
  static constexpr int odd(int n) { return n / 4 % 2 == 0 ? n + 4 : n; }
};
/// y = w * x + bias, which may be null.
void conv_forward(Stream, const Convolution&, const ConvTile&, const float* x, const float* w, const float* bias, float* y);
/// dw = (or +=) dy * x, and db likewise unless it is null. `parts`: conv_parts floats of scratch memory.
std::size_t conv_parts(const Convolution&, const ConvTile&);
void conv_weight_gradient(Stream, const Convolution&, const ConvTile&, const float* x, const float* dy, float* dw, float* db, float* parts);

/// As dropnet::softmax_loss; dy may be null.
void softmax_loss(Stream, int batch, int classes, const float* y, float* dy, const int* labels, int k, Tally*);

/// As dropnet::squared_loss, of `size` values a sample; dy may be null.
void squared_loss(Stream, int batch, int size, const float* y, const float* targets, float* dy, Tally*);

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
  int height, width;
  std::size_t image_size;
  float scale;
};
void load_images(Stream, const Images&, const Pick* picks, int batch, float* x, int* labels, float* targets);

}  // namespace dropnet::kernels
