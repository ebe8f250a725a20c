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
