#pragma once

// Matrix products of float on tensor cores, a block's terms coming in stages: each stage's values are brought to shared
// memory while the stage before is computed. Elsewhere than on a GPU the same body runs on the host, lane after lane.
//
// A tensor core multiplies tf32, which keeps 11 bits. An exact product splits each value into a rounded head and what is
// left, x = h + l, and adds three products, h h' + h l' + l h': what is missing is below 2^-21 of |x x'|, and the sums of
// 8 terms are added up in float.

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <vector>

#include "launch.hpp"

namespace dropnet::kernels {

/// What a block computes: splits * warps warps, of which each has Body::rows by Body::columns tiles of 16 x 8 sums; those
/// of equal place in their split are added up into the first split's.
struct Team {
  std::uint32_t blocks;
  int warps, splits;
  int stage;  ///< floats of shared memory that a stage takes, a multiple of 4
  int table;  ///< numbers that the block prepares
  DROPNET_DEVICE unsigned threads() const { return unsigned(warps * splits) * 32; }
  /// Bytes of shared memory, for stages that are brought in ahead and for sums that change hands.
  std::size_t memory(int stages, int sums) const {
    return sizeof(float) * std::max(std::size_t(std::min(stages, 2)) * unsigned(stage) + unsigned(table), std::size_t(splits / 2 * warps * 32) * unsigned(sums));
  }
};

/// To shared memory, by the end of the stage before the one that reads it; zeros where there is nothing. Both lie at a
/// multiple of Count values.
template <int Count>
DROPNET_DEVICE void copy_ahead(float* to, const float* from, bool there) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  const unsigned place = unsigned(__cvta_generic_to_shared(to));
  if constexpr (Count == 4)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(place), "l"(from), "r"(there ? 16 : 0) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(place), "l"(from), "r"(there ? 4 * Count : 0), "n"(4 * Count) : "memory");
#else
  for (int i = 0; i < Count; ++i) to[i] = there ? from[i] : 0.0f;
#endif
}

/// n / d by a multiplication, for n d < 2^32.
struct Quotient {
  unsigned divisor, factor;
  explicit Quotient(int d) : divisor(unsigned(d)), factor(d == 1 ? 0 : unsigned((std::uint64_t{1} << 32) / unsigned(d)) + 1) {}
  DROPNET_DEVICE int operator()(int n) const { return divisor == 1 ? n : int(std::uint64_t(unsigned(n)) * factor >> 32); }
};

/// The head of a value, rounded to tf32; half way, away from zero.
DROPNET_DEVICE inline float head(float x) { return std::bit_cast<float>((std::bit_cast<std::uint32_t>(x) + 0x1000u) & 0xffffe000u); }

#ifdef __CUDACC__

/// sums += a b of a 16 x 8 by an 8 x 8 tile of tf32.
__device__ inline void multiply_tf32(float* d, const std::uint32_t* a, const std::uint32_t* b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
#endif
}

template <int Rows, int Columns, bool Exact>
__device__ void multiply(const float* a, const float* b, float* sums) {
  std::uint32_t ah[Rows * 4], al[Rows * 4];
#pragma unroll
  for (int i = 0; i < Rows * 4; ++i) {
    const float h = head(a[i]);
    ah[i] = __float_as_uint(h);
    if constexpr (Exact) al[i] = __float_as_uint(a[i] - h);
  }
#pragma unroll
  for (int j = 0; j < Columns; ++j) {
    std::uint32_t bh[2], bl[2];
#pragma unroll
    for (int i = 0; i < 2; ++i) {
      const float h = head(b[j * 2 + i]);
      bh[i] = __float_as_uint(h);
      if constexpr (Exact) bl[i] = __float_as_uint(b[j * 2 + i] - h);
    }
#pragma unroll
    for (int i = 0; i < Rows; ++i) {
      float* const to = sums + (i * Columns + j) * 4;
      if constexpr (Exact) {
        float part[4] = {};
        multiply_tf32(part, al + i * 4, bh);
        multiply_tf32(part, ah + i * 4, bl);
        multiply_tf32(part, ah + i * 4, bh);
#pragma unroll
        for (int k = 0; k < 4; ++k) to[k] += part[k];
      } else {
        multiply_tf32(to, ah + i * 4, bh);
      }
    }
  }
}

template <class Body>
__global__ void __launch_bounds__(Body::most_threads) products_kernel(const Body body) {
  extern __shared__ float4 shared_memory[];
  float* const shared = reinterpret_cast<float*>(shared_memory);
  constexpr int sums_each = Body::rows * Body::columns * 4;
  const unsigned block = blockIdx.x, thread = threadIdx.x;
  const int stages = body.stages(block), stage_size = body.team.stage, buffers = body.buffers;
  int* const table = reinterpret_cast<int*>(shared + buffers * stage_size);
  for (int b = 0; b < buffers; ++b) body.clear(thread, shared + b * stage_size);
  body.prepare(thread, table);
  __syncthreads();
  const auto commit = [] {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
  };
  if (stages > 0) body.load(block, thread, 0, shared);
  commit();
  const int warp = int(thread) / 32 % body.team.warps, split = int(thread) / 32 / body.team.warps, place = warp * 32 + int(thread) % 32;
  const typename Body::Lane lane = body.lane(warp, thread % 32);
  float sums[sums_each];
#pragma unroll
  for (int i = 0; i < sums_each; ++i) sums[i] = 0;
  for (int stage = 0; stage < stages; ++stage) {
    if (stage + 1 < stages) body.load(block, thread, stage + 1, shared + (stage + 1) % 2 * stage_size);
    commit();
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group 1;" ::: "memory");
#endif
    __syncthreads();
    const float* const here = shared + stage % 2 * stage_size;
    const int steps = body.steps(stage), stride = body.team.splits;
    // The next step's values are on their way while a step is computed.
    float a[2][Body::rows * 4], b[2][Body::columns * 2];
    if (split < steps) body.read(lane, stage, split, here, table, a[0], b[0]);
    for (int step = split; step < steps; step += 2 * stride) {
      if (step + stride < steps) body.read(lane, stage, step + stride, here, table, a[1], b[1]);
      multiply<Body::rows, Body::columns, Body::exact>(a[0], b[0], sums);
      if (step + stride >= steps) break;
      if (step + 2 * stride < steps) body.read(lane, stage, step + 2 * stride, here, table, a[0], b[0]);
      multiply<Body::rows, Body::columns, Body::exact>(a[1], b[1], sums);
    }
    __syncthreads();
  }
  const int group = body.team.warps * 32;
  for (int active = body.team.splits; active > 1;) {
    const int half = (active + 1) / 2;
    if (split >= half && split < active)
#pragma unroll
      for (int i = 0; i < sums_each; ++i) shared[((split - half) * sums_each + i) * group + place] = sums[i];
    __syncthreads();
    if (split + half < active)
#pragma unroll
      for (int i = 0; i < sums_each; ++i) sums[i] += shared[(split * sums_each + i) * group + place];
    __syncthreads();
    active = half;
  }
  if (split == 0) body.store(block, warp, thread % 32, sums);
}
/// For each block: body.load and the products of what body.read reads for each of its stages, then the sum over the
/// splits, then body.store.
template <class Body>
void products(Stream stream, int stages, const Body& body) {
  if (body.team.blocks == 0) return;
  const std::size_t memory = body.team.memory(stages, Body::rows * Body::columns * 4);
  if (memory > 48 * 1024) {
    if (const cudaError_t e = cudaFuncSetAttribute(products_kernel<Body>, cudaFuncAttributeMaxDynamicSharedMemorySize, int(memory)); e != cudaSuccess)
      throw Error(std::string("dropnet: Cuda: cudaFuncSetAttribute says ") + cudaGetErrorString(e));
  }
  products_kernel<<<body.team.blocks, body.team.threads(), memory, stream>>>(body);
  launched();
}

#else

/// As a GPU does it: lane l of 32 holds rows l/4 and l/4 + 8 of a, column l/4 of b, at the terms l%4 and l%4 + 4, and two
/// sums in each of the rows, from column l%4 * 2 on.
template <int Rows, int Columns, bool Exact>
void multiply(const std::vector<std::array<float, Rows * 4>>& a, const std::vector<std::array<float, Columns * 2>>& b,
              std::array<float, Rows * Columns * 4>* sums) {
  // What a tensor core is given and does not round it cuts off.
  const auto cut = [](float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffffe000u); };
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Columns; ++j)
      for (int row = 0; row < 16; ++row)
        for (int column = 0; column < 8; ++column) {
          float part[3] = {};
          for (int k = 0; k < 8; ++k) {
            const float left = a[std::size_t(row % 8 * 4 + k % 4)][std::size_t(i * 4 + row / 8 + k / 4 * 2)];
            const float right = b[std::size_t(column * 4 + k % 4)][std::size_t(j * 2 + k / 4)];
            part[0] += head(left) * head(right);
            part[1] += head(left) * cut(right - head(right));
            part[2] += cut(left - head(left)) * head(right);
          }
          sums[row % 8 * 4 + column / 2][std::size_t((i * Columns + j) * 4 + row / 8 * 2 + column % 2)] += Exact ? part[0] + (part[1] + part[2]) : part[0];
        }
}

template <class Body>
void products(Stream stream, int, const Body& body) {
  submit(stream, [=] {
    constexpr int rows = Body::rows, columns = Body::columns;
    using Sums = std::array<float, std::size_t(rows * columns * 4)>;
    const Team& team = body.team;
    const int threads = int(team.threads());
    for (std::uint32_t block = 0; block < team.blocks; ++block) {
      // What nobody brings is not a number.
      std::vector<float> shared(std::size_t(body.buffers * team.stage), std::numeric_limits<float>::quiet_NaN());
      std::vector<int> table(std::size_t(unsigned(team.table)), -1);
      std::vector<Sums> sums(std::size_t(unsigned(threads)), Sums{});
      for (int t = 0; t < threads; ++t) {
        for (int b = 0; b < body.buffers; ++b) body.clear(unsigned(t), shared.data() + b * team.stage);
        body.prepare(unsigned(t), table.data());
      }
      for (int stage = 0; stage < body.stages(block); ++stage) {
        float* const here = shared.data() + stage % 2 * team.stage;
        for (int t = 0; t < threads; ++t) body.load(block, unsigned(t), stage, here);
        for (int warp = 0; warp < team.warps * team.splits; ++warp)
          for (int step = warp / team.warps; step < body.steps(stage); step += team.splits) {
            std::vector<std::array<float, std::size_t(rows * 4)>> a(32);
            std::vector<std::array<float, std::size_t(columns * 2)>> b(32);
            for (unsigned l = 0; l < 32; ++l)
              body.read(body.lane(warp % team.warps, l), stage, step, static_cast<const float*>(here), table.data(), a[l].data(), b[l].data());
            multiply<rows, columns, Body::exact>(a, b, sums.data() + warp * 32);
          }
      }
      const int group = team.warps * 32;
      for (int active = team.splits; active > 1; active = (active + 1) / 2)
        for (int split = 0, half = (active + 1) / 2; split + half < active; ++split)
          for (int place = 0; place < group; ++place)
            for (std::size_t i = 0; i < Sums{}.size(); ++i)
              sums[std::size_t(split * group + place)][i] += sums[std::size_t((split + half) * group + place)][i];
      for (int warp = 0; warp < team.warps; ++warp)
        for (unsigned l = 0; l < 32; ++l) body.store(block, warp, l, sums[std::size_t(unsigned(warp * 32) + l)].data());
    }
  });
}

#endif

}  // namespace dropnet::kernels
