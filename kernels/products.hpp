#pragma once

// Matrix products of float on tensor cores, a block's terms coming in stages: each stage's values are brought to shared
// memory while the stage before is computed. Elsewhere than on a GPU the same body runs on the host, lane after lane.
//
// A tensor core multiplies tf32: it sees 11 bits of a value and cuts the others off. An exact product splits each value into
// a head and what is left, x = h + l, and adds three products, h h' + h l' + l h': what is missing is below 2^-20 of |x x'|,
// and sums of a few dozen terms are added up in float.

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>
#include <vector>

#include "launch.hpp"
#include "quotient.hpp"

namespace dropnet::kernels {

/// A warp's sums, Rows by Columns tiles of 16 x 8, and the threads that a block may have then. Of an exact product's values
/// those of one side are rounded, the one with fewer: what is left of it then has no direction, and neither has the product
/// that is missing.
template <int Rows, int Columns, bool Exact, unsigned Threads>
struct Tiles {
  static constexpr int rows = Rows, columns = Columns, sums = Rows * Columns * 4;
  static constexpr bool exact = Exact, round_a = !Exact || Rows * 4 <= Columns * 2, round_b = !Exact || !round_a;
  [[maybe_unused]] static constexpr unsigned most_threads = Threads;
};

/// What a block computes: splits * warps warps, each with Body::Tiles; sums of equal place in their split are added up into
/// the first split's.
struct Team {
  std::uint32_t blocks;
  int warps, splits;
  int stage;    ///< floats of shared memory that a stage takes, a multiple of 4
  int buffers;  ///< stages that are there at a time, 1 or 2
  DROPNET_DEVICE unsigned threads() const { return unsigned(warps * splits) * 32; }
};

#ifndef __CUDACC__
/// What a block's threads bring to shared memory in a stage. A value that two of them bring, or none of its places, is an error.
struct Brought {
  const float* begin;
  std::vector<bool> places;
  void note(const float* to, int count) {
    for (auto i = std::size_t(to - begin), end = i + unsigned(count); i < end; ++i) {
      if (i >= places.size() || places[i]) throw Error("dropnet: Cuda: two threads bring one value to shared memory, or one brings it elsewhere");
      places[i] = true;
    }
  }
};
inline thread_local Brought* brought = nullptr;
#endif

/// To shared memory, by the end of the stage before the one that reads it; zeros where there is nothing. Both lie at a
/// multiple of Count values.
template <int Count>
DROPNET_DEVICE void copy_ahead(float* to, const float* from, bool there) {
  aligned<Count>(to);
  aligned<Count>(from);
#ifndef __CUDACC__
  if (brought) brought->note(to, Count);
#endif
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

/// So many bytes behind p.
DROPNET_DEVICE inline const float* behind(const float* p, int bytes) { return reinterpret_cast<const float*>(reinterpret_cast<const char*>(p) + bytes); }

/// Rows of a matrix, from `from` on, of which so many rows and columns are there: `count` copies of Count values each a row.
template <int Count>
DROPNET_DEVICE void load_rows(unsigned thread, unsigned threads, int rows, int count, const Quotient& by_count, const float* from, unsigned pitch,
                              int there_rows, int there_columns, float* to, int to_pitch) {
  for (int i = int(thread); i < rows * count; i += int(threads)) {
    const int r = by_count(i), c = (i - r * count) * Count;
    const bool there = r < there_rows && c < there_columns;
    copy_ahead<Count>(to + r * to_pitch + c, from + (there ? std::uint64_t(unsigned(r)) * pitch + unsigned(c) : 0), there);
  }
}
/// With copies of `piece` values: 1, 2 or 4.
DROPNET_DEVICE inline void load_rows(int piece, unsigned thread, unsigned threads, int rows, int count, const Quotient& by_count, const float* from,
                                     unsigned pitch, int there_rows, int there_columns, float* to, int to_pitch) {
  if (piece == 4)
    load_rows<4>(thread, threads, rows, count, by_count, from, pitch, there_rows, there_columns, to, to_pitch);
  else if (piece == 2)
    load_rows<2>(thread, threads, rows, count, by_count, from, pitch, there_rows, there_columns, to, to_pitch);
  else
    load_rows<1>(thread, threads, rows, count, by_count, from, pitch, there_rows, there_columns, to, to_pitch);
}

/// step(i) for each splits-th i < steps from `split` on; sums are gathered after two of them.
template <class Sums, class Step>
DROPNET_DEVICE void each_of_split(int split, int splits, int steps, Sums& sums, const Step& step) {
  int i = split;
  for (; i + splits < steps; i += 2 * splits) {
    step(i);
    step(i + splits);
    sums.gather();
  }
  if (i < steps) {
    step(i);
    sums.gather();
  }
}

/// What a tensor core sees of a value.
DROPNET_DEVICE inline float head(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffffe000u); }
/// What it is to be given where the value is to be rounded.
DROPNET_DEVICE inline float to_round(float x) { return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) + 0x1000u); }

#ifdef __CUDACC__

/// sums += a b of a 16 x 8 by an 8 x 8 tile of tf32.
__device__ inline void multiply_tf32(float* d, const float* a, const float* b) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
      : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])), "r"(__float_as_uint(b[0])),
        "r"(__float_as_uint(b[1])));
#endif
}

/// A warp's sums: lane l of 32 gives rows l/4 and l/4 + 8 of each a and column l/4 of each b, at the terms l%4 and l%4 + 4,
/// and has two sums in each of the rows, from column l%4 * 2 on.
template <class Tiles>
struct Products {
  float sums[Tiles::sums];
  float parts[Tiles::sums];
  __device__ Products() {
#pragma unroll
    for (int i = 0; i < Tiles::sums; ++i) sums[i] = parts[i] = 0;
  }
  /// Adds a b; with Exact, to be gathered after a few.
  __device__ void add(const float* a, const float* b) {
    float ah[rows * 4], bh[columns * 2];
#pragma unroll
    for (int i = 0; i < rows * 4; ++i) ah[i] = Tiles::round_a ? to_round(a[i]) : a[i];
#pragma unroll
    for (int j = 0; j < columns * 2; ++j) bh[j] = Tiles::round_b ? to_round(b[j]) : b[j];
    if constexpr (Tiles::exact) {
      float al[rows * 4], bl[columns * 2];
#pragma unroll
      for (int i = 0; i < rows * 4; ++i) al[i] = a[i] - head(ah[i]);
#pragma unroll
      for (int j = 0; j < columns * 2; ++j) bl[j] = b[j] - head(bh[j]);
      multiply(al, bh, parts);
      multiply(ah, bl, parts);
      multiply(ah, bh, parts);
    } else {
      multiply(ah, bh, sums);
    }
  }
  /// Tensor cores cut sums off, float rounds: what a few steps gave is added up as float.
  __device__ void gather() {
    if constexpr (Tiles::exact)
#pragma unroll
      for (int i = 0; i < Tiles::sums; ++i) {
        sums[i] += parts[i];
        parts[i] = 0;
      }
  }

 private:
  static constexpr int rows = Tiles::rows, columns = Tiles::columns;
  static __device__ void multiply(const float* a, const float* b, float* to) {
#pragma unroll
    for (int j = 0; j < columns; ++j)
#pragma unroll
      for (int i = 0; i < rows; ++i) multiply_tf32(to + (i * columns + j) * 4, a + i * 4, b + j * 2);
  }
};

template <class Body>
__global__ void __launch_bounds__(Body::Tiles::most_threads) products_kernel(const Body body) {
  extern __shared__ float4 shared_memory[];
  float* const shared = reinterpret_cast<float*>(shared_memory);
  constexpr int sums_each = Body::Tiles::sums;
  const unsigned block = blockIdx.x, thread = threadIdx.x;
  const int stages = body.stages(block), stage_size = body.team.stage;
  for (int b = 0; b < body.team.buffers; ++b) body.clear(thread, shared + b * stage_size);
  const int warp = int(thread) / 32 % body.team.warps, split = int(thread) / 32 / body.team.warps, place = warp * 32 + int(thread) % 32;
  const typename Body::Lane lane = body.lane(block, warp, thread % 32);
  __syncthreads();
  wait_for_kernel_before();
  const auto commit = [] {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
  };
  if (stages > 0) body.load(block, thread, 0, shared);
  commit();
  Products<typename Body::Tiles> products;
  for (int stage = 0; stage < stages; ++stage) {
    if (stage + 1 < stages) body.load(block, thread, stage + 1, shared + (stage + 1) % 2 * stage_size);
    commit();
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group 1;" ::: "memory");
#endif
    __syncthreads();
    body.compute(lane, stage, split, shared + stage % 2 * stage_size, products);
    __syncthreads();
  }
  allow_next_kernel();
  const int group = body.team.warps * 32;
  float* const sums = products.sums;
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
/// For each block: body.load and body.compute for each of its stages, then the sum over the splits, then body.store.
template <class Body>
void products(Stream stream, const Body& body) {
  const Team& team = body.team;
  if (team.blocks == 0) return;
  const std::size_t memory = block_memory(team.buffers, team.stage, team.splits, team.warps, Body::Tiles::sums);
  if (memory > 48 * 1024) {
    if (const cudaError_t e = cudaFuncSetAttribute(products_kernel<Body>, cudaFuncAttributeMaxDynamicSharedMemorySize, int(memory)); e != cudaSuccess)
      throw Error(std::string("dropnet: Cuda: cudaFuncSetAttribute says ") + cudaGetErrorString(e));
  }
  launch(products_kernel<Body>, team.blocks, team.threads(), memory, stream, body);
}

#else

/// Keeps what a lane gives, for all 32 to be multiplied as a GPU does it.
template <class Tiles>
struct Given {
  std::vector<std::array<float, std::size_t(Tiles::rows * 4)>> a;
  std::vector<std::array<float, std::size_t(Tiles::columns * 2)>> b;
  void add(const float* a_, const float* b_) {
    std::copy_n(a_, Tiles::rows * 4, a.emplace_back().begin());
    std::copy_n(b_, Tiles::columns * 2, b.emplace_back().begin());
  }
  void gather() {}
  void clear() { a.clear(), b.clear(); }
};

/// A value's head, and the head of what is left of it where the product is to be exact.
struct Split {
  float head, rest;
  Split() = default;
  Split(float x, bool round, bool exact) : head(kernels::head(round ? to_round(x) : x)), rest(exact ? kernels::head(x - head) : 0) {}
};

template <class Tiles>
void multiply(const std::vector<Given<Tiles>>& lanes, std::array<float, std::size_t(Tiles::sums)>* sums) {
  constexpr int rows = Tiles::rows * 16, columns = Tiles::columns * 8, terms = 8;
  Split left[rows][terms], right[terms][columns];
  for (std::size_t step = 0; step < lanes[0].a.size(); ++step) {
    for (int l = 0; l < 32; ++l) {
      const auto& a = lanes[std::size_t(l)].a[step];
      const auto& b = lanes[std::size_t(l)].b[step];
      for (int i = 0; i < Tiles::rows * 4; ++i) left[i / 4 * 16 + i % 2 * 8 + l / 4][i / 2 % 2 * 4 + l % 4] = {a[std::size_t(i)], Tiles::round_a, Tiles::exact};
      for (int j = 0; j < Tiles::columns * 2; ++j) right[j % 2 * 4 + l % 4][j / 2 * 8 + l / 4] = {b[std::size_t(j)], Tiles::round_b, Tiles::exact};
    }
    for (int row = 0; row < rows; ++row) {
      float parts[3][columns] = {};
      for (int k = 0; k < terms; ++k)
        for (int column = 0; column < columns; ++column) {
          const Split &l = left[row][k], &r = right[k][column];
          parts[0][column] += l.head * r.head;
          parts[1][column] += l.head * r.rest;
          parts[2][column] += l.rest * r.head;
        }
      for (int column = 0; column < columns; ++column)
        sums[row % 8 * 4 + column % 8 / 2][std::size_t((row / 16 * Tiles::columns + column / 8) * 4 + row % 16 / 8 * 2 + column % 2)] +=
            parts[0][column] + (parts[1][column] + parts[2][column]);
    }
  }
}

template <class Body>
void products(Stream stream, const Body& body) {
  submit(stream, [=] {
    using Tiles = typename Body::Tiles;
    using Sums = std::array<float, std::size_t(Tiles::sums)>;
    const Team& team = body.team;
    const int threads = int(team.threads());
    std::vector<Given<Tiles>> lanes(32);
    in_any_order(team.blocks, [&](std::uint32_t block) {
      // What nobody brings is not a number. Stages have memory of their own, so that who leaves it is seen.
      std::vector<float> shared[2];
      for (int b = 0; b < team.buffers; ++b) {
        shared[b].assign(std::size_t(unsigned(team.stage)), std::numeric_limits<float>::quiet_NaN());
        in_any_order(unsigned(threads), [&](unsigned t) { body.clear(t, shared[b].data()); });
      }
      std::vector<Sums> sums(std::size_t(unsigned(threads)), Sums{});
      const int stages = body.stages(block);
      const auto load = [&](int stage) {
        std::vector<float>& to = shared[stage % 2];
        Brought here{to.data(), std::vector<bool>(to.size())};
        brought = &here;
        in_any_order(unsigned(threads), [&](unsigned t) { body.load(block, t, stage, to.data()); });
        brought = nullptr;
      };
      if (stages > 0) load(0);
      for (int stage = 0; stage < stages; ++stage) {
        if (stage + 1 < stages) load(stage + 1);
        for (int warp = 0; warp < team.warps * team.splits; ++warp) {
          for (auto& lane : lanes) lane.clear();
          for (unsigned l = 0; l < 32; ++l)
            body.compute(body.lane(block, warp % team.warps, l), stage, warp / team.warps, std::as_const(shared[stage % 2]).data(), lanes[l]);
          multiply(lanes, sums.data() + warp * 32);
        }
      }
      const int group = team.warps * 32;
      for (int active = team.splits; active > 1; active = (active + 1) / 2)
        for (int split = 0, half = (active + 1) / 2; split + half < active; ++split)
          for (int place = 0; place < group; ++place)
            for (std::size_t i = 0; i < Sums{}.size(); ++i)
              sums[std::size_t(unsigned(split * group + place))][i] += sums[std::size_t(unsigned((split + half) * group + place))][i];
      for (int warp = 0; warp < team.warps; ++warp)
        for (unsigned l = 0; l < 32; ++l) body.store(block, warp, l, sums[std::size_t(unsigned(warp * 32) + l)].data());
    });
  });
}

#endif

}  // namespace dropnet::kernels
