#pragma once

#include <algorithm>
#include <cstddef>
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

using kernels::over;
/// How often `splits` groups of threads halve until one has the sum.
constexpr int halvings(int splits) {
  int count = 0;
  for (; splits > 1; splits = over(splits, 2)) ++count;
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
    const int blocks_each = over(blocks, chip.multiprocessors), in_a_quarter = over(blocks_each * warps, 4);
    const double values = m * 4 + n * 2, products = m * n * (tf32 ? 1 : 3), others = values * (tf32 ? 2.5 : 3.5) + products + (tf32 ? 0 : m * n * 1.5) + 4;
    // A warp alone waits for its own results.
    const double step = std::max({7 * products, others, (90 + 7 * products + others / 2) / in_a_quarter});
    return in_a_quarter * steps * step + blocks_each * copies / 4 + m * n * 4 * (3.0 * halvings(splits) + 6) * in_a_quarter + 1500 + 400 * stages + traffic / 2000;
  }
};

struct RankedTile {
  double cycles;
  kernels::ConvTile tile;
};
inline std::vector<kernels::ConvTile> best(std::vector<RankedTile> all, std::size_t most) {
  std::stable_sort(all.begin(), all.end(), [](const RankedTile& a, const RankedTile& b) { return a.cycles < b.cycles; });
  std::vector<kernels::ConvTile> tiles;
  for (const RankedTile& r : all)
    if (tiles.size() < most && std::find(tiles.begin(), tiles.end(), r.tile) == tiles.end()) tiles.push_back(r.tile);
  return tiles;
}

/// Whether a block fits.
inline bool fits(const Chip& chip, const kernels::ConvMemory& memory, int stages, const kernels::ConvTile& tile, int warps) {
  const int threads = warps * tile.splits * 32;
  if (threads > kernels::conv_threads(tile.m, tile.n) || threads < 64) return false;
  return kernels::block_memory(std::min(stages, 2), memory.stage(), tile.splits, warps, tile.m * tile.n * 4) <= chip.shared;
}

/// Tiles of 8 columns for so many, so that few are empty.
inline std::vector<int> columns_for(int filters) {
  std::vector<int> all;
  for (const int n : {1, 3, 4, 7})
    if (n == 1 ? filters <= 16 : filters > 8 && over(filters, 8 * n) * n <= over(filters, 8) * 5 / 4 + 1) all.push_back(n);
  return all;
}

}  // namespace detail

/// The tiles for dropnet's own kernel, the most promising first; at most `most` of them.
inline std::vector<kernels::ConvTile> forward_tiles(const kernels::Convolution& at, const Chip& chip, std::size_t most) {
  using kernels::over;
  const int lines = at.turned ? at.filters : at.channels;
  std::vector<detail::RankedTile> all;
  for (const int n : detail::columns_for(at.filters))
    for (const int m : {1, 2})
      for (int bands = 1; bands <= at.out_height; ++bands)
        for (const int splits : {1, 2, 3, 4, 6, 8})
          for (const int pieces : {1, 2, 3, 4, 6, 8}) {
            kernels::ConvTile tile{m, n, over(at.out_height, bands), splits, over(over(at.channels, pieces), 4) * 4};
            if (pieces > 1 && pieces * 4 > at.channels) continue;
            if (pieces == 1) tile.channels = at.channels;
            tile.piece = lines % 4 == 0 ? 4 : lines % 2 == 0 ? 2 : 1;
            const int warps = kernels::conv_warps(at, tile), stages = over(at.channels, tile.channels);
            const auto memory = kernels::ConvMemory::forward(at, tile);
            if (!detail::fits(chip, memory, stages, tile, warps)) continue;
            detail::TileCost cost{at.batch * over(at.out_height, tile.rows) * over(at.filters, 8 * n), warps * splits, stages, splits, m, n, at.tf32, 0, 0};
            cost.steps = stages * over(over(tile.channels, 8) * at.kernel, splits) * at.kernel;
            cost.copies = stages * (over(memory.inputs / (at.width % 4 ? 1 : 4), 32) * 30.0 + over(memory.other / tile.piece, 32) * 18.0);
            all.push_back({cost.cycles(chip), tile});
          }
  return detail::best(std::move(all), most);
}

inline std::vector<kernels::ConvTile> weight_gradient_tiles(const kernels::Convolution& at, const Chip& chip, std::size_t most) {
  using kernels::over;
  std::vector<detail::RankedTile> all;
  for (const int n : detail::columns_for(at.filters))
    for (const int m : {1, 2})
      for (int bands = 1; bands <= at.out_height; ++bands)
        for (int channel_tiles = 1; channel_tiles <= std::min(at.channels, 16); ++channel_tiles)
          for (const int splits : {1, 2, 3, 4, 6, 8}) {
            kernels::ConvTile tile{m, n, over(at.out_height, bands), splits, over(at.channels, channel_tiles)};
            const int ways = over(at.channels, tile.channels) * over(at.filters, 8 * n), items = at.batch * over(at.out_height, tile.rows);
            for (const int waves : {1, 2}) {
              tile.parts = std::clamp(chip.multiprocessors * waves / ways, 1, items);
              tile.parts = over(items, over(items, tile.parts));  // as few as take as long
              const int warps = kernels::conv_gradient_warps(at, tile), stages = over(items, tile.parts);
              const auto memory = kernels::ConvMemory::weight_gradient(at, tile);
              if (!detail::fits(chip, memory, stages, tile, warps)) continue;
              detail::TileCost cost{tile.parts * ways, warps * splits, stages, splits, m, n, at.tf32, 0, 0};
              cost.steps = double(stages) * over(tile.rows * over(at.out_width, 8), splits);
              cost.copies = stages * (over(memory.inputs / (at.width % 4 ? 1 : 4), 32) * 30.0 + over(memory.other / (at.out_width % 4 ? 1 : 4), 32) * 18.0);
              cost.traffic = 8.0 * double(kernels::conv_parts(at, tile));
              all.push_back({cost.cycles(chip), tile});
            }
          }
  return detail::best(std::move(all), most);
}

}  // namespace dropnet::cuda
