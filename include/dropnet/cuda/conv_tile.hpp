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
};

/// Of the GPU with this number.
inline Chip chip(int device) {
  const auto attribute = [&](cudaDeviceAttr which) {
    int value = 0;
    check(cudaDeviceGetAttribute(&value, which, device), "cudaDeviceGetAttribute");
    return value;
  };
  return {attribute(cudaDevAttrMultiProcessorCount), std::size_t(attribute(cudaDevAttrMaxSharedMemoryPerBlockOptin))};
}

namespace detail {

constexpr int over(int a, int b) { return (a + b - 1) / b; }
/// How often `splits` groups of threads halve until one has the sum.
constexpr int halvings(int splits) {
  int count = 0;
  for (; splits > 1; splits = over(splits, 2)) ++count;
  return count;
}

/// Cycles that a multiprocessor takes, roughly: each of four schedulers issues one instruction of a warp a cycle, all
/// share the way to shared memory, which a warp's read of 16 bytes a thread takes for four cycles, or for one where the
/// threads read the same.
struct TileCost {
  int blocks, threads, stages;
  double work, reads;  ///< of a thread: instructions, and cycles of shared memory, in all stages
  double copies;       ///< instructions that bring values to shared memory
  double changes;      ///< instructions that hand sums on
  double traffic = 0;  ///< bytes of sums that go through memory, in all
  double cycles(const Chip& chip) const {
    const int blocks_each = over(blocks, chip.multiprocessors), warps = over(blocks_each * over(threads, 32), 4);
    // Few warps cannot hide how long shared memory takes.
    return warps * (std::max(work * (1 + 0.8 / warps), 4 * reads) + copies + changes) + 1500 + 200 * stages + traffic / 2000;
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

/// Whether a block fits: its stages, brought in ahead, and then the sums that change hands.
inline bool fits(const Chip& chip, int stages, int stage, int splits, int sums) {
  return sizeof(float) * std::max(std::size_t(std::min(stages, 2)) * unsigned(stage), std::size_t(splits / 2) * unsigned(sums)) <= chip.shared;
}

}  // namespace detail

/// The tiles for dropnet's own kernel, the most promising first; at most `most` of them.
inline std::vector<kernels::ConvTile> forward_tiles(const kernels::Convolution& at, const Chip& chip, std::size_t most) {
  using detail::over;
  const int runs = over(at.out_width, 4), pairs = over(at.out_height, 2), taps = at.kernel * at.kernel;
  std::vector<detail::RankedTile> all;
  for (const int filters : {4, 5})
    for (int bands = 1; bands <= std::min(pairs, 8); ++bands)
      for (const int splits : {1, 2, 3, 4, 5, 6, 8, 10})
        for (int per_split = 1; per_split <= 5; ++per_split)
          for (int parts = 1; parts <= 4; ++parts) {
            const int all_groups = over(at.filters, filters), channels = std::min(splits * per_split, at.channels);
            const kernels::ConvTile tile{filters, 2 * over(pairs, bands), over(all_groups, parts), splits, channels};
            const int group = tile.rows / 2 * runs * tile.groups, threads = over(group * splits, 32) * 32, stages = over(at.channels, channels);
            const int sums = filters * 8, row_pack = over(at.kernel * filters, 4);
            if (threads > 512 || threads < 64 || splits > at.channels) continue;
            const kernels::ConvMemory memory(at, tile);
            if (!detail::fits(chip, stages, memory.forward(), splits, sums * group)) continue;
            detail::TileCost cost{};
            cost.blocks = at.batch * over(at.out_height, tile.rows) * over(all_groups, tile.groups);
            cost.threads = threads;
            cost.stages = stages;
            const int steps = (stages - 1) * over(channels, splits) + over(at.channels - (stages - 1) * channels, splits);
            cost.work = steps * (taps * sums + (at.kernel + 1) * 2 + at.kernel * row_pack + 12.0);
            cost.reads = steps * ((at.kernel + 1) * 8 + at.kernel * row_pack * 1.5);
            cost.copies = stages * (double(channels * memory.rows * over(memory.columns, 32)) * 14 * 32 +
                                    double(tile.groups * filters * channels) * (30 + 4 * taps)) / threads;
            cost.changes = sums * (3.0 * detail::halvings(splits) + 2);
            all.push_back({cost.cycles(chip), tile});
          }
  return detail::best(std::move(all), most);
}

inline std::vector<kernels::ConvTile> weight_gradient_tiles(const kernels::Convolution& at, const Chip& chip, std::size_t most) {
  using detail::over;
  const int runs = over(at.out_width, 4), pairs = over(at.out_height, 2), taps = at.kernel * at.kernel;
  std::vector<detail::RankedTile> all;
  for (const int filters : {4, 5})
    for (int bands = 1; bands <= std::min(pairs, 12); ++bands)
      for (int channel_tiles = 1; channel_tiles <= 8; ++channel_tiles)
        for (int filter_tiles = 1; filter_tiles <= 8; ++filter_tiles)
          for (const int splits : {1, 2, 3, 4, 6, 8, 12, 16, 24, 32}) {
            if (at.kernel == 5 && filters == 5) continue;  // more sums than a thread has registers
            const int all_groups = over(at.filters, filters), rows = 2 * over(pairs, bands), works = rows / 2 * runs;
            const int items = at.batch * over(at.out_height, rows), ways = channel_tiles * filter_tiles;
            if (channel_tiles > at.channels || filter_tiles > all_groups || splits > works) continue;
            kernels::ConvTile tile{filters, rows, over(all_groups, filter_tiles), splits, over(at.channels, channel_tiles)};
            tile.parts = std::clamp(chip.multiprocessors / ways, 1, items);
            tile.parts = over(items, over(items, tile.parts));  // as few as take as long
            const int group = tile.channels * tile.groups, threads = over(group * splits, 32) * 32, stages = over(items, tile.parts);
            const int sums = filters * (taps + 1);
            if (threads > (at.kernel == 3 ? 512 : 256) || threads < 64) continue;
            const kernels::ConvMemory memory(at, tile);
            if (!detail::fits(chip, stages, memory.weight_gradient(), splits, sums * group)) continue;
            detail::TileCost cost{};
            cost.blocks = tile.parts * ways;
            cost.threads = threads;
            cost.stages = stages;
            const double steps = double(stages) * over(works, splits);
            cost.work = steps * (taps * filters * 8 + 2 * filters + (at.kernel + 1) * 2 + 40.0);
            cost.reads = steps * ((at.kernel + 1) * 8 + 2 * filters * 2.0);
            cost.copies = stages * (double(tile.channels * memory.rows * over(memory.columns, 32)) * 14 * 32 + double(memory.gradients / 4) * 40) / threads;
            cost.changes = sums * (3.0 * detail::halvings(splits) + 2);
            cost.traffic = 8.0 * double(kernels::conv_parts(at, tile));
            all.push_back({cost.cycles(chip), tile});
          }
  return detail::best(std::move(all), most);
}

}  // namespace dropnet::cuda
