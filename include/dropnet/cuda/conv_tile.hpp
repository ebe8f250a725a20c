#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "dropnet/cuda/kernels.hpp"
#include "dropnet/cuda/tile_cost.hpp"

namespace dropnet::cuda {

namespace detail {

/// Tiles of 8 columns for so many, so that few are empty.
inline std::vector<int> columns_for(int filters) {
  std::vector<int> all;
  for (const int n : {1, 3, 4, 7})
    if (n == 1 ? filters <= 16 : filters > 8 && ceil_div(filters, 8 * n) * n <= ceil_div(filters, 8) * 5 / 4 + 1) all.push_back(n);
  return all;
}

}  // namespace detail

/// The tiles for dropnet's own kernel, the most promising first; at most `most` of them.
inline std::vector<kernels::ConvTile> forward_tiles(const kernels::Convolution& at, const Chip& chip, std::size_t most) {
  using kernels::ceil_div;
  const int lines = at.turned ? at.filters : at.channels;
  std::vector<detail::Ranked<kernels::ConvTile>> all;
  for (const int n : detail::columns_for(at.filters))
    for (const int m : {1, 2})
      for (int bands = 1; bands <= at.out_height; ++bands)
        for (const int splits : {1, 2, 3, 4, 6, 8})
          for (const int pieces : {1, 2, 3, 4, 6, 8}) {
            kernels::ConvTile tile{m, n, ceil_div(at.out_height, bands), splits, ceil_div(ceil_div(at.channels, pieces), 4) * 4};
            if (pieces > 1 && pieces * 4 > at.channels) continue;
            if (pieces == 1) tile.channels = at.channels;
            tile.piece = kernels::piece(lines);
            const int warps = kernels::conv_warps(at, tile), stages = ceil_div(at.channels, tile.channels);
            const auto memory = kernels::ConvMemory::forward(at, tile);
            if (!detail::fits(chip, m, n, warps, splits, stages, memory.stage())) continue;
            const int of_image = ceil_div(at.out_height, tile.rows) * ceil_div(at.filters, 8 * n);
            if (!detail::divides(std::int64_t(at.batch) * of_image, of_image)) continue;
            detail::TileCost cost{at.batch * of_image, warps * splits, stages, splits, m, n, at.tf32, 0, 0};
            const int eights = ceil_div(tile.channels, 4) / 2 * at.kernel, fours = ceil_div(tile.channels, 4) % 2 * at.kernel;
            const int mine = ceil_div(eights, splits), left = ceil_div(eights + fours, splits) - mine;
            cost.steps = stages * (mine * kernels::row_steps(at.kernel, true) + left * kernels::row_steps(at.kernel, false));
            cost.copies = stages * (ceil_div(memory.inputs / (at.width % 4 ? 1 : 4), 32) * 30.0 + ceil_div(memory.other / tile.piece, 32) * 18.0);
            all.push_back({cost.cycles(chip), tile});
          }
  return detail::best(std::move(all), most);
}

inline std::vector<kernels::ConvTile> weight_gradient_tiles(const kernels::Convolution& at, const Chip& chip, std::size_t most) {
  using kernels::ceil_div;
  std::vector<detail::Ranked<kernels::ConvTile>> all;
  for (const int n : detail::columns_for(at.filters))
    for (const int m : {1, 2})
      for (int bands = 1; bands <= at.out_height; ++bands)
        for (int channel_tiles = 1; channel_tiles <= std::min(at.channels, 16); ++channel_tiles)
          for (const int splits : {1, 2, 3, 4, 6, 8}) {
            kernels::ConvTile tile{m, n, ceil_div(at.out_height, bands), splits, ceil_div(at.channels, channel_tiles)};
            const int ways = ceil_div(at.channels, tile.channels) * ceil_div(at.filters, 8 * n), of_image = ceil_div(at.out_height, tile.rows);
            const int most_parts = 2 * chip.multiprocessors;
            if (!detail::divides(std::int64_t(at.batch) * of_image + most_parts, std::max(of_image, most_parts))) continue;
            const int items = at.batch * of_image;
            for (const int waves : {1, 2}) {
              tile.parts = std::clamp(chip.multiprocessors * waves / ways, 1, items);
              tile.parts = ceil_div(items, ceil_div(items, tile.parts));  // as few as take as long
              const int warps = kernels::conv_gradient_warps(at, tile), stages = ceil_div(items, tile.parts);
              const auto memory = kernels::ConvMemory::weight_gradient(at, tile);
              if (!detail::fits(chip, m, n, warps, splits, stages, memory.stage())) continue;
              detail::TileCost cost{tile.parts * ways, warps * splits, stages, splits, m, n, at.tf32, 0, 0};
              cost.steps = double(stages) * ceil_div(tile.rows * ceil_div(at.out_width, 8), splits);
              cost.copies = stages * (ceil_div(memory.inputs / (at.width % 4 ? 1 : 4), 32) * 30.0 +
                                      ceil_div(memory.other / (at.out_width % 4 ? 1 : 4), 32) * 18.0);
              cost.traffic = 8.0 * double(kernels::conv_parts(at, tile));
              all.push_back({cost.cycles(chip), tile});
            }
          }
  return detail::best(std::move(all), most);
}

}  // namespace dropnet::cuda
