#pragma once

#include <cstddef>

namespace dropnet {

/// How much of everything a layer takes, and, since extents add up, also the place where it begins.
/// Weights and activations are counted in scalars; activations and indices are per sample of the batch.
struct Extent {
  std::size_t weights = 0;      ///< scalars in the weight arena, padding included
  std::size_t parameters = 0;   ///< trained numbers, without the padding, running statistics and what is frozen
  std::size_t activations = 0;  ///< scalars per sample in the activation arena, padding included
  std::size_t indices = 0;      ///< per sample, what a layer notes in forward for its backward
  int tensors = 0;              ///< weight tensors
  int layers = 0;               ///< layers that compute (Sequential and its like do not)
  int sites = 0;                ///< DropIn sites

  friend constexpr Extent operator+(Extent a, const Extent& b) {
    a.weights += b.weights;
    a.parameters += b.parameters;
    a.activations += b.activations;
    a.indices += b.indices;
    a.tensors += b.tensors;
    a.layers += b.layers;
    a.sites += b.sites;
    return a;
  }
  friend constexpr Extent operator*(int n, const Extent& e) {
    const auto m = std::size_t(n);
    return {m * e.weights, m * e.parameters, m * e.activations, m * e.indices,
            n * e.tensors, n * e.layers,     n * e.sites};
  }
  friend constexpr bool operator==(const Extent&, const Extent&) = default;
};

/// Arenas are cut in pieces of 16 scalars, so that every float tensor starts at a multiple of 64 bytes.
constexpr std::size_t padded(std::size_t scalars) { return (scalars + 15) / 16 * 16; }

namespace extents {

constexpr Extent tensor(std::size_t size) { return {.weights = padded(size), .parameters = size, .tensors = 1}; }
/// A tensor that is not trained.
constexpr Extent statistic(std::size_t size) { return {.weights = padded(size), .tensors = 1}; }
template <class Shape>
constexpr Extent activations(Shape) { return {.activations = padded(Shape::size)}; }
template <class Shape>
constexpr Extent indices(Shape) { return {.indices = padded(Shape::size)}; }
constexpr Extent layer() { return {.layers = 1}; }
constexpr Extent site() { return {.sites = 1}; }

}  // namespace extents
}  // namespace dropnet
