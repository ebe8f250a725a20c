#pragma once

#include <algorithm>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>

#include "dropnet/cuda/backend.hpp"
#include "dropnet/cuda/gemm_tile.hpp"
#include "dropnet/cuda/trial.hpp"

namespace dropnet::cuda {

/// What a product of matrices reads and writes; bias and sums may be null.
struct GemmPointers {
  const float *a, *b, *bias;
  float *c, *sums;
};

inline void blas_gemm(Cuda& cuda, const char* what, const kernels::Gemm& at, const GemmPointers& to) {
  // To cuBLAS, which counts by columns, these are the transposes: C^T = B^T A^T.
  const bool a_transposed = at.operands == kernels::Operands::tn, b_transposed = at.operands == kernels::Operands::nt;
  const float one = 1, beta = at.add ? 1.0f : 0.0f;
  const Cublas& cublas = cuda.cublas();
  const auto status = cublas.sgemm(cuda.cublas_handle(), b_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N, at.columns,
                                   at.rows, at.terms, &one, to.b, b_transposed ? at.terms : at.columns, to.a, a_transposed ? at.rows : at.terms, &beta,
                                   to.c, at.columns);
  if (status != CUBLAS_STATUS_SUCCESS)
    cublas.check(status, "cublasSgemm", std::string(what) + ", " + std::to_string(at.rows) + "x" + std::to_string(at.terms) + " times " +
                                            std::to_string(at.terms) + "x" + std::to_string(at.columns));
  if (to.bias) kernels::add_bias(cuda.stream(), at.rows, at.columns, 1, to.bias, at.relu, to.c);
  if (at.sums) kernels::bias_gradient(cuda.stream(), at.terms, at.rows, 1, to.a, to.sums, at.add);
}

inline void run(Cuda& cuda, const char* what, const kernels::Gemm& at, const std::optional<kernels::GemmTile>& tile, const GemmPointers& to) {
  if (tile)
    kernels::gemm(cuda.stream(), at, *tile, to.a, to.b, to.bias, to.c, to.sums);
  else
    blas_gemm(cuda, what, at, to);
}

/// The tile of dropnet's own kernel for a product, or none where cuBLAS is to do it: searched for once, the fastest of the
/// first tiles and of cuBLAS. Where the same bytes are wanted from run to run nothing is timed, for clocks vary: dropnet's
/// kernel is taken for small products. What is tried writes to a place of its own.
inline const std::optional<kernels::GemmTile>& gemm_plan(Cuda& cuda, const char* what, const kernels::Gemm& at, GemmPointers to) {
  auto& known = cuda.gemms();
  if (const auto it = known.find(at); it != known.end()) return it->second;
  const bool timed = !cuda.options().deterministic, small = std::max({at.rows, at.columns, at.terms}) <= 1024;
  std::optional<kernels::GemmTile> found;
  if (cuda.chip().tensor_cores && (timed || small)) {
    const auto tiles = gemm_tiles(at, cuda.chip(), timed ? 8 : 1);
    if (!timed && !tiles.empty()) {
      found = tiles.front();
    } else if (timed) {
      cuda.wait();  // or what goes on beside would be timed too
      const std::size_t size = std::size_t(at.rows) * unsigned(at.columns);
      auto output = cuda.buffer<float>(size + (at.sums ? unsigned(at.rows) : 0));
      to.c = output.data();
      to.sums = at.sums ? output.data() + size : nullptr;
      float best = trial(cuda, [&] { run(cuda, what, at, {}, to); });
      for (const kernels::GemmTile& tile : tiles)
        if (const float time = trial(cuda, [&] { run(cuda, what, at, tile, to); }); time < best) {
          best = time;
          found = tile;
        }
      cuda.wait();
    }
  }
  return known.emplace(at, found).first->second;
}

/// C = (or +=) A B, a bias for each column added and ReLU taken behind it; or with the sums of A's rows. `what` it is for.
inline void gemm(Cuda& cuda, const char* what, kernels::Gemm at, const GemmPointers& to) {
  at.sums = to.sums;
  at.tf32 = cuda.options().precision == Precision::tf32;
  run(cuda, what, at, gemm_plan(cuda, what, at, to), to);
}

}  // namespace dropnet::cuda
