#pragma once

// How long a kernel on tensor cores takes, roughly, divided into tiles in one way or another.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "dropnet/cuda/check.hpp"
#include "dropnet/cuda/kernels.hpp"

namespace dropnet::cuda {

/// What the choice of tiles asks of a GPU.
struct Chip {
  int multiprocessors;
  std::size_t shared;  ///< bytes of shared memory that a block may have
  bool tensor_cores;   ///< that multiply tf32, of compute capability 8.0 on
};

/// Of the GPU with this number.
inline Chip chip(int device) {
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
    return value;
  };
  return {attribute(cudaDevAttrMultiProcessorCount), std::size_t(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin)),
          attribute(cudaDevAttrComputeCapabilityMajor) >= 8};
}

namespace detail {

using kernels::ceil_div;
/// How often `splits` groups of threads halve until one has the sum.
constexpr int halvings(int splits) {
  int count = 0;
  for (; splits > 1; splits = ceil_div(splits, 2)) ++count;
  return count;
}

/// Cycles that a multiprocessor takes, roughly: each of its quarters multiplies a tile of 16 x 8 sums by 8 terms in about 7
/// cycles, and beside that issues one instruction of a warp a cycle.
struct TileCost {
  int blocks, warps, stages, splits;
  int m, n;
  bool tf32;
  double steps;        ///< of a warp, in all stages
  double copies;       ///< instructions of a block's warps that bring values to shared memory
  double traffic = 0;  ///< bytes of sums that go through memory, in all
  double cycles(const Chip& chip) const {
    const int blocks_each = ceil_div(blocks, chip.multiprocessors), in_a_quarter = ceil_div(blocks_each * warps, 4);
    const double values = m * 4 + n * 2, products = m * n * (tf32 ? 1 : 3), others = values * (tf32 ? 2.5 : 3.5) + products + (tf32 ? 0 : m * n * 1.5) + 4;
    // A warp alone waits for its own results.
    const double step = std::max({7 * products, others, (90 + 7 * products + others / 2) / in_a_quarter});
    return in_a_quarter * steps * step + blocks_each * copies / 4 + m * n * 4 * (3.0 * halvings(splits) + 6) * in_a_quarter + 1500 + 400 * stages + traffic / 2000;
  }
};

template <class Tile>
struct Ranked {
  double cycles;
  Tile tile;
};
template <class Tile>
std::vector<Tile> best(std::vector<Ranked<Tile>> all, std::size_t most) {
  std::stable_sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.cycles < b.cycles; });
  std::vector<Tile> tiles;
  for (const auto& r : all)
    if (tiles.size() < most && std::find(tiles.begin(), tiles.end(), r.tile) == tiles.end()) tiles.push_back(r.tile);
  return tiles;
}

/// Whether kernels can divide so many blocks, or pieces of work, by d.
inline bool divides(std::int64_t n, std::int64_t d) { return n <= std::numeric_limits<std::int32_t>::max() / d; }

/// Whether a block fits that takes `stages` stages, each of so many floats.
inline bool fits(const Chip& chip, int m, int n, int warps, int splits, int stages, int stage) {
  const int threads = warps * splits * 32;
  if (threads > kernels::block_threads(m, n) || threads < 64) return false;
  return kernels::block_memory(std::min(stages, 2), stage, splits, warps, m * n * 4) <= chip.shared;
}

}  // namespace detail

}  // namespace dropnet::cuda
