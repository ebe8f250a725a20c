#pragma once

// How a kernel's body runs over its index range. Compiled by nvcc it is launched on the GPU; compiled by any other
// compiler the same body runs on the host, so that tests reach it without a GPU.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "dropnet/core/error.hpp"
#include "dropnet/cuda/kernels.hpp"

#ifdef __CUDACC__
#ifndef __CUDACC_RELAXED_CONSTEXPR__
#error "compile dropnet's kernels with nvcc --expt-relaxed-constexpr: they call constexpr functions of the host, and without it are wrong in silence"
#endif
#include <cuda_runtime.h>
#define DROPNET_DEVICE __host__ __device__
#else
#include <functional>
#include <string>

#include "any_order.hpp"
#define DROPNET_DEVICE
#endif

#ifdef __CUDA_ARCH__
#define DROPNET_UNROLL _Pragma("unroll")
#else
#define DROPNET_UNROLL
#endif

namespace dropnet::kernels {

/// What a GPU reads or writes at once lies at a multiple of its size: the host, which need not care, looks after it.
template <int Count>
DROPNET_DEVICE void aligned([[maybe_unused]] const float* p) {
#ifndef __CUDACC__
  if (reinterpret_cast<std::uintptr_t>(p) % (sizeof(float) * Count)) throw Error("dropnet: Cuda: a kernel touches " + std::to_string(Count) + " values at once that a GPU cannot");
#endif
}

/// Values that lie at a multiple of 16 bytes (two: of 8).
DROPNET_DEVICE inline void read_4(const float* from, float* to) {
  aligned<4>(from);
#ifdef __CUDA_ARCH__
  *reinterpret_cast<float4*>(to) = *reinterpret_cast<const float4*>(from);
#else
  std::copy_n(from, 4, to);
#endif
}
DROPNET_DEVICE inline void write_4(const float* from, float* to) {
  aligned<4>(to);
#ifdef __CUDA_ARCH__
  *reinterpret_cast<float4*>(to) = *reinterpret_cast<const float4*>(from);
#else
  std::copy_n(from, 4, to);
#endif
}

DROPNET_DEVICE inline void write_2(const float* from, float* to) {
  aligned<2>(to);
#ifdef __CUDA_ARCH__
  *reinterpret_cast<float2*>(to) = make_float2(from[0], from[1]);
#else
  std::copy_n(from, 2, to);
#endif
}

DROPNET_DEVICE inline void copy_4(const float* from, float* to) {
  alignas(16) float values[4];
  read_4(from, values);
  write_4(values, to);
}
DROPNET_DEVICE inline void fill_4(float* to) {
  alignas(16) const float zeros[4] = {};
  write_4(zeros, to);
}

inline constexpr unsigned threads_each = 256;                ///< in a block
inline constexpr unsigned sum_columns = 32, sum_splits = 8;  ///< of column_sums: sums in a block, threads for each

inline std::uint32_t index_range(std::size_t count) {
  if (count > 0xffff0000u) throw Error("dropnet: Cuda: a tensor has more than 4,294,901,760 values; use a smaller batch");
  return std::uint32_t(count);
}

#ifdef __CUDACC__

/// Where the GPU can (compute capability 9.0), a kernel is set up while the one before it in its stream still runs. Each
/// kernel waits for that one's end before it touches global memory, and says from when on the next may be set up: not
/// early, for what waits takes the place of what could run in another stream.
__device__ inline void wait_for_kernel_before() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}
__device__ inline void allow_next_kernel() {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

template <class... Values>
void launch(void (*kernel)(Values...), std::uint32_t blocks, unsigned threads, std::size_t memory, Stream stream, const Values&... values) {
  int device = 0, major = 0;
  cudaGetDevice(&device);
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
  cudaLaunchAttribute early{};
  early.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  early.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = memory;
  config.stream = stream;
  config.attrs = &early;
  config.numAttrs = major >= 9 ? 1 : 0;
  if (const cudaError_t e = cudaLaunchKernelEx(&config, kernel, values...); e != cudaSuccess)
    throw Error(std::string("dropnet: Cuda: a kernel could not be launched: ") + cudaGetErrorString(e));
}

template <class Body>
__global__ void __launch_bounds__(threads_each) each_kernel(std::uint32_t count, const Body body) {
  wait_for_kernel_before();
  allow_next_kernel();
  for (std::uint64_t i = blockIdx.x * std::uint64_t(threads_each) + threadIdx.x; i < count; i += gridDim.x * std::uint64_t(threads_each))
    body(std::uint32_t(i));
}
/// body(i) for each i < count.
template <class Body>
void each(Stream stream, std::size_t count, const Body& body) {
  const std::uint32_t n = index_range(count);
  if (n == 0) return;
  launch(each_kernel<Body>, std::min(ceil_div(n, threads_each), 1u << 16), threads_each, 0, stream, n, body);
}

template <class Body>
__global__ void __launch_bounds__(threads_each) sums_kernel(const Body body) {
  __shared__ typename Body::Sum sums[threads_each];
  wait_for_kernel_before();
  allow_next_kernel();
  sums[threadIdx.x] = body.part(blockIdx.x, threadIdx.x);
  for (unsigned half = threads_each / 2; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) body.finish(blockIdx.x, sums[0]);
}
/// body.finish(b, sum over t < threads_each of body.part(b, t)) for each b < blocks, summed in a fixed tree.
template <class Body>
void sums(Stream stream, std::uint32_t blocks, const Body& body) {
  if (blocks == 0) return;
  launch(sums_kernel<Body>, blocks, threads_each, 0, stream, body);
}

template <class Body>
__global__ void __launch_bounds__(sum_columns* sum_splits) column_sums_kernel(const Body body) {
  __shared__ float sums[sum_splits][sum_columns];
  const unsigned split = threadIdx.x / sum_columns, place = threadIdx.x % sum_columns;
  const std::uint32_t i = blockIdx.x * sum_columns + place;
  wait_for_kernel_before();
  allow_next_kernel();
  sums[split][place] = body.part(i, split, sum_splits);
  for (unsigned half = sum_splits / 2; half > 0; half /= 2) {
    __syncthreads();
    if (split < half) sums[split][place] += sums[split + half][place];
  }
  if (split == 0) body.finish(i, sums[0][place]);
}
/// body.finish(i, sum over s < splits of body.part(i, s, splits)) for each i < count, and some more, summed in a fixed tree.
template <class Body>
void column_sums(Stream stream, std::uint32_t count, const Body& body) {
  if (count == 0) return;
  launch(column_sums_kernel<Body>, ceil_div(count, sum_columns), sum_columns * sum_splits, 0, stream, body);
}

#else

/// The host's stand-in for a stream: does the work, or keeps it for later while the stream is recorded.
void submit(Stream stream, std::function<void()> work);

template <class Body>
void each(Stream stream, std::size_t count, const Body& body) {
  const std::uint32_t n = index_range(count);
  submit(stream, [=] {
    in_any_order(n, body);
  });
}

template <class Body>
void sums(Stream stream, std::uint32_t blocks, const Body& body) {
  submit(stream, [=] {
    in_any_order(blocks, [&](std::uint32_t b) {
      typename Body::Sum sums[threads_each];
      in_any_order(threads_each, [&](unsigned t) { sums[t] = body.part(b, t); });
      for (unsigned half = threads_each / 2; half > 0; half /= 2)
        for (unsigned t = 0; t < half; ++t) sums[t] += sums[t + half];
      body.finish(b, sums[0]);
    });
  });
}

template <class Body>
void column_sums(Stream stream, std::uint32_t count, const Body& body) {
  submit(stream, [=] {
    in_any_order(count, [&](std::uint32_t i) {
      float sums[sum_splits];
      in_any_order(sum_splits, [&](unsigned s) { sums[s] = body.part(i, s, sum_splits); });
      for (unsigned half = sum_splits / 2; half > 0; half /= 2)
        for (unsigned s = 0; s < half; ++s) sums[s] += sums[s + half];
      body.finish(i, sums[0]);
    });
  });
}

#endif

}  // namespace dropnet::kernels
