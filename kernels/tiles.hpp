#pragma once

// Kernels whose blocks of threads go through their work in stages: each stage's values are brought to shared memory while
// the stage before is computed. Elsewhere than on a GPU the same body runs on the host, thread after thread.

#include <algorithm>
#include <limits>
#include <vector>

#include "launch.hpp"

namespace dropnet::kernels {

/// What a block computes: `sums` partial sums in each of splits * group threads; those of equal place in their group are
/// added up into the first group's.
struct Team {
  std::uint32_t blocks;
  int group, splits;
  int stage;  ///< floats of shared memory that a stage takes
  DROPNET_DEVICE unsigned threads() const { return unsigned(group * splits + 31) / 32 * 32; }
  /// Bytes of shared memory, for stages that are brought in ahead and for sums that change hands.
  std::size_t memory(int stages, int sums) const {
    return sizeof(float) * std::max(std::size_t(std::min(stages, 2)) * unsigned(stage), std::size_t(splits / 2) * unsigned(sums) * unsigned(group));
  }
};

/// To shared memory, by the end of the stage before the one that reads it; zero where there is nothing.
DROPNET_DEVICE inline void copy_ahead(float* to, const float* from, bool there) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.ca.shared.global [%0], [%1], 4, %2;" ::"r"(unsigned(__cvta_generic_to_shared(to))), "l"(from), "r"(there ? 4 : 0) : "memory");
#else
  *to = there ? *from : 0.0f;
#endif
}
/// Four, from and to multiples of 16 bytes.
DROPNET_DEVICE inline void copy_ahead_4(float* to, const float* from, bool there) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 800
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(unsigned(__cvta_generic_to_shared(to))), "l"(from), "r"(there ? 16 : 0) : "memory");
#else
  for (int i = 0; i < 4; ++i) to[i] = there ? from[i] : 0.0f;
#endif
}

#ifdef __CUDACC__

template <class Body>
__global__ void __launch_bounds__(Body::most_threads) tiles_kernel(const Body body) {
  extern __shared__ float4 shared_memory[];
  float* const shared = reinterpret_cast<float*>(shared_memory);
  const unsigned block = blockIdx.x, thread = threadIdx.x;
  const int stages = body.stages(block), stage_size = body.team.stage;
  alignas(16) float sums[Body::sums];
  DROPNET_UNROLL
  for (int i = 0; i < Body::sums; ++i) sums[i] = 0;
  const auto commit = [] {
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.commit_group;" ::: "memory");
#endif
  };
  if (stages > 0) body.load(block, thread, 0, shared);
  commit();
  for (int stage = 0; stage < stages; ++stage) {
    if (stage + 1 < stages) body.load(block, thread, stage + 1, shared + (stage + 1) % 2 * stage_size);
    commit();
#if __CUDA_ARCH__ >= 800
    asm volatile("cp.async.wait_group 1;" ::: "memory");
#endif
    __syncthreads();
    body.compute(block, thread, stage, shared + stage % 2 * stage_size, sums);
    __syncthreads();
  }
  const int group = body.team.group, split = int(thread) / group, place = int(thread) % group;
  for (int active = body.team.splits; active > 1;) {
    const int half = (active + 1) / 2;
    if (split >= half && split < active)
      DROPNET_UNROLL
      for (int i = 0; i < Body::sums; ++i) shared[((split - half) * Body::sums + i) * group + place] = sums[i];
    __syncthreads();
    if (split + half < active)
      DROPNET_UNROLL
      for (int i = 0; i < Body::sums; ++i) sums[i] += shared[(split * Body::sums + i) * group + place];
    __syncthreads();
    active = half;
  }
  if (split == 0) body.store(block, place, sums);
}
/// For each block: body.load and body.compute for each of its stages, then the sum over the splits, then body.store.
template <class Body>
void tiles(Stream stream, int stages, const Body& body) {
  if (body.team.blocks == 0) return;
  const std::size_t memory = body.team.memory(stages, Body::sums);
  if (memory > 48 * 1024) {
    if (const cudaError_t e = cudaFuncSetAttribute(tiles_kernel<Body>, cudaFuncAttributeMaxDynamicSharedMemorySize, int(memory)); e != cudaSuccess)
      throw Error(std::string("dropnet: Cuda: cudaFuncSetAttribute says ") + cudaGetErrorString(e));
  }
  tiles_kernel<<<body.team.blocks, body.team.threads(), memory, stream>>>(body);
  launched();
}

#else

template <class Body>
void tiles(Stream stream, int stages, const Body& body) {
  const std::size_t memory = body.team.memory(stages, Body::sums) / sizeof(float);
  submit(stream, [=] {
    const int threads = int(body.team.threads());
    std::vector<std::vector<float>> sums(unsigned(threads), std::vector<float>(std::size_t{Body::sums}));
    for (std::uint32_t block = 0; block < body.team.blocks; ++block) {
      for (auto& s : sums) std::fill(s.begin(), s.end(), 0.0f);
      for (int stage = 0; stage < body.stages(block); ++stage) {
        // What a stage does not bring is not a number.
        std::vector<float> shared(std::max(memory, std::size_t(unsigned(body.team.stage))), std::numeric_limits<float>::quiet_NaN());
        for (int t = 0; t < threads; ++t) body.load(block, unsigned(t), stage, shared.data());
        for (int t = 0; t < threads; ++t) body.compute(block, unsigned(t), stage, shared.data(), sums[std::size_t(t)].data());
      }
      for (int active = body.team.splits; active > 1; active = (active + 1) / 2)
        for (int split = 0, half = (active + 1) / 2; split + half < active; ++split)
          for (int place = 0; place < body.team.group; ++place)
            for (int i = 0; i < Body::sums; ++i)
              sums[std::size_t(split * body.team.group + place)][std::size_t(i)] += sums[std::size_t((split + half) * body.team.group + place)][std::size_t(i)];
      for (int place = 0; place < body.team.group; ++place) body.store(block, place, sums[std::size_t(place)].data());
    }
  });
}

#endif

}  // namespace dropnet::kernels
