#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "dropnet/cuda/kernels.hpp"
#include "dropnet/cuda/tile_cost.hpp"

namespace dropnet::cuda {

/// The tiles for dropnet's own product of matrices, the most promising first; at most `most` of them.
inline std::vector<kernels::GemmTile> gemm_tiles(const kernels::Gemm& at, const Chip& chip, std::size_t most) {
  using kernels::ceil_div;
  const int columns = kernels::gemm_columns(at);
  const bool a_along_terms = at.operands != kernels::Operands::tn, b_along_terms = at.operands == kernels::Operands::nt;
  std::vector<detail::Ranked<kernels::GemmTile>> all;
  for (const auto& [m, n] : {std::pair{1, 1}, {1, 4}, {2, 4}})
    for (int warps = 1; warps == 1 || (warps <= 8 && (warps / 2) * 16 * m < at.rows); warps *= 2)
      for (const int splits : {1, 2, 4, 8, 16})
        for (const int some : {16, 32, 64, 128, 256, 512, at.terms}) {
          const int stages = ceil_div(at.terms, some), block_rows = warps * m * 16, block_columns = n * 8;
          const kernels::GemmTile tile{m, n, warps, splits, kernels::up(ceil_div(at.terms, stages), 8)};
          if (tile.terms / 8 < splits && warps * splits > 2) continue;  // but a block has two warps
          const kernels::GemmMemory memory(at, tile);
          if (!detail::fits(chip, m, n, warps, splits, stages, memory.stage())) continue;
          const std::int64_t column_tiles = ceil_div(columns, block_columns), blocks = ceil_div(at.rows, block_rows) * column_tiles;
          if (!detail::divides(blocks, column_tiles)) continue;
          detail::TileCost cost{int(blocks), warps * splits, stages, splits, m, n, at.tf32, 0, 0};
          cost.steps = double(stages) * ceil_div(tile.terms / 8, splits);
          const auto copies = [&](int size, bool along_terms, int whole) {
            return ceil_div(size * tile.terms / kernels::piece(along_terms ? at.terms : whole), 32) * 18.0;
          };
          cost.copies = stages * (copies(block_rows, a_along_terms, at.rows) + copies(block_columns, b_along_terms, at.columns));
          cost.traffic = 4.0 * double(blocks) * stages * tile.terms * (block_rows + block_columns);
          all.push_back({cost.cycles(chip), tile});
        }
  return detail::best(std::move(all), most);
}

}  // namespace dropnet::cuda
