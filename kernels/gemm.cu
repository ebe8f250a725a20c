#include <type_traits>

#include "products.hpp"

namespace dropnet::kernels {

namespace {

/// A's rows or B's columns: in memory its lines hold a term each, of all of them, or all terms of one of them.
template <bool LinesAreTerms>
struct Operand {
  int size, terms;  ///< of the matrix
  int lines;        ///< that are brought, `count` copies of `piece` values each
  int pitch, piece, count;
  Quotient by_count;
  const float* from;

  Operand(int size_, int terms_, int block, int block_terms, int pitch_, const float* from_)
      : size(size_), terms(terms_), lines(LinesAreTerms ? block_terms : block), pitch(pitch_), piece(kernels::piece(LinesAreTerms ? size_ : terms_)),
        count((LinesAreTerms ? block : block_terms) / piece), by_count(count), from(from_) {}
  /// Those from `first` on, at the terms from `term` on.
  DROPNET_DEVICE void load(unsigned thread, unsigned threads, int first, int term, float* to) const {
    const int line = LinesAreTerms ? term : first, along = LinesAreTerms ? first : term, length = LinesAreTerms ? size : terms;
    load_rows(piece, thread, threads, lines, count, by_count, from + std::size_t(unsigned(line)) * unsigned(length) + unsigned(along), unsigned(length),
              (LinesAreTerms ? terms : size) - line, length - along, to, pitch);
  }
  DROPNET_DEVICE int place(int i, int term) const { return LinesAreTerms ? term * pitch + i : i * pitch + term; }
};

/// Rows, columns and terms are those of the matrices. A stage is some terms. Warps lie along the rows; splits take each
/// eight terms in turn.
template <Operands Which, int Rows, int Columns, bool Exact>
struct Multiply {
  using Tiles = kernels::Tiles<Rows, Columns, Exact, block_threads(Rows, Columns)>;
  static constexpr bool may_sum = Which == Operands::tn;
  Team team;
  Gemm at;
  Operand<Which == Operands::tn> a;
  Operand<Which != Operands::nt> b;
  int stage_terms, stage_count, begin_of_b;
  Quotient by_column_tiles;
  int column_tiles;
  const float* bias;
  float *c, *sums_of_rows;

  struct Lane {
    int a, b;
    int ones;  ///< the columns' tile, times 8, whose column is of ones in this lane
  };
  DROPNET_DEVICE int stages(unsigned) const { return stage_count; }
  DROPNET_DEVICE int first_row(unsigned block) const { return by_column_tiles(int(block)) * team.warps * (Rows * 16); }
  DROPNET_DEVICE int first_column(unsigned block) const { return (int(block) - by_column_tiles(int(block)) * column_tiles) * (Columns * 8); }

  DROPNET_DEVICE void clear(unsigned, float*) const {}
  DROPNET_DEVICE void load(unsigned block, unsigned thread, int stage, float* shared) const {
    a.load(thread, team.threads(), first_row(block), stage * stage_terms, shared);
    b.load(thread, team.threads(), first_column(block), stage * stage_terms, shared + begin_of_b);
  }
  DROPNET_DEVICE Lane lane(unsigned block, int warp, unsigned lane) const {
    const int term = int(lane) % 4, group = int(lane) / 4;
    return {a.place(warp * Rows * 16 + group, term), begin_of_b + b.place(group, term), at.sums ? at.columns - first_column(block) - group : -1};
  }
  template <class Sums>
  DROPNET_DEVICE void compute(const Lane& lane, int, int split, const float* shared, Sums& to) const {
    each_of_split(split, team.splits, stage_terms / 8, to, [&](int i) {
      float x[Rows * 4], y[Columns * 2];
      DROPNET_UNROLL
      for (int half = 0; half < 2; ++half) {
        const int term = i * 8 + half * 4;
        DROPNET_UNROLL
        for (int k = 0; k < Rows * 2; ++k) x[k / 2 * 4 + k % 2 + 2 * half] = shared[lane.a + a.place(k * 8, term)];
        DROPNET_UNROLL
        for (int j = 0; j < Columns; ++j) y[j * 2 + half] = may_sum && lane.ones == j * 8 ? 1 : shared[lane.b + b.place(j * 8, term)];
      }
      to.add(x, y);
    });
  }
  DROPNET_DEVICE void store(unsigned block, int warp, unsigned lane, const float* sums) const {
    const int first = first_row(block) + warp * Rows * 16 + int(lane) / 4, column = first_column(block) + int(lane) % 4 * 2;
    DROPNET_UNROLL
    for (int j = 0; j < Columns; ++j) {
      const int here = column + j * 8;
      float shift[2] = {};
      for (int k = 0; k < 2; ++k)
        if (bias && here + k < at.columns) shift[k] = bias[here + k];
      DROPNET_UNROLL
      for (int i = 0; i < Rows * 2; ++i) {
        const int row = first + i * 8;
        if (row >= at.rows) continue;
        float* const to = c + std::size_t(unsigned(row)) * unsigned(at.columns) + unsigned(here);
        float values[2];
        for (int k = 0; k < 2; ++k) {
          values[k] = sums[(i / 2 * Columns + j) * 4 + i % 2 * 2 + k] + shift[k];
          if (at.relu && values[k] <= 0) values[k] = 0;
          if (at.add && here + k < at.columns) values[k] += to[k];
        }
        if (at.columns % 2 == 0 && here < at.columns)
          write_2(values, to);
        else if (here < at.columns)
          for (int k = 0; k < 2 && here + k < at.columns; ++k) to[k] = values[k];
        if (may_sum && at.sums)
          for (int k = 0; k < 2; ++k)
            if (here + k == at.columns) sums_of_rows[row] = at.add ? sums_of_rows[row] + values[k] : values[k];
      }
    }
  }
};

template <Operands Which, int Rows, int Columns, bool Exact>
void multiply(Stream s, const Gemm& at, const GemmTile& tile, const float* a, const float* b, const float* bias, float* c, float* sums) {
  const GemmMemory memory(at, tile);
  const int rows = tile.warps * Rows * 16, columns = Columns * 8, column_tiles = ceil_div(gemm_columns(at), columns), stages = ceil_div(at.terms, tile.terms);
  const Team team{std::uint32_t(ceil_div(at.rows, rows)) * std::uint32_t(column_tiles), tile.warps, tile.splits, memory.stage(), std::min(stages, 2)};
  products(s, Multiply<Which, Rows, Columns, Exact>{team, at,
                                                    {at.rows, at.terms, rows, tile.terms, memory.a_pitch, a},
                                                    {at.columns, at.terms, columns, tile.terms, memory.b_pitch, b},
                                                    tile.terms, stages, memory.a, Quotient(column_tiles), column_tiles, bias, c, sums});
}

}  // namespace

void gemm(Stream s, const Gemm& at, const GemmTile& tile, const float* a, const float* b, const float* bias, float* c, float* sums) {
  const auto with_exact = [&](auto which, auto m, auto n) {
    const auto go = at.tf32 ? multiply<which, m, n, false> : multiply<which, m, n, true>;
    go(s, at, tile, a, b, bias, c, sums);
  };
  const auto with_tile = [&](auto which) {
    constexpr std::integral_constant<int, 1> one;
    constexpr std::integral_constant<int, 2> two;
    constexpr std::integral_constant<int, 4> four;
    if (tile.n == 1) return with_exact(which, one, one);
    tile.m == 1 ? with_exact(which, one, four) : with_exact(which, two, four);
  };
  switch (at.operands) {
    case Operands::nn: return with_tile(std::integral_constant<Operands, Operands::nn>{});
    case Operands::nt: return with_tile(std::integral_constant<Operands, Operands::nt>{});
    case Operands::tn: return with_tile(std::integral_constant<Operands, Operands::tn>{});
  }
}

}  // namespace dropnet::kernels
