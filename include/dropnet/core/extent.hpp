#pragma once

#include <algorithm>
#include <cstddef>

namespace dropnet {

/// How much of everything a layer takes, and, since extents add up, also the place where it begins.
/// Weights and activations are counted in scalars; activations and indices are per sample of the batch.
struct Extent {
  std::size_t weights = 0;      ///< scalars in the weight arena, padding included
  std::size_t parameters = 0;   ///< trained numbers, without the padding, running statistics and what is frozen
  std::size_t activations = 0;  ///< scalars per sample in the activation arena, padding included
  std::size_t indices = 0;      ///< per sample, what a layer notes in forward for its backward
  // The same two in a pass without backward, where layers one after the other share places: a sum has the greater one.
  std::size_t transient = 0;
  std::size_t transient_indices = 0;
  int tensors = 0;              ///< weight tensors
  int layers = 0;               ///< layers that compute (Sequential and its like do not)
  int sites = 0;                ///< DropIn sites

  friend constexpr Extent operator+(Extent a, const Extent& b) {
    a.weights += b.weights;
    a.parameters += b.parameters;
    a.activations += b.activations;
    a.indices += b.indices;
    a.transient = std::max(a.transient, b.transient);
    a.transient_indices = std::max(a.transient_indices, b.transient_indices);
    a.tensors += b.tensors;
    a.layers += b.layers;
    a.sites += b.sites;
    return a;
  }
  friend constexpr Extent operator*(int n, const Extent& e) {
    const auto m = std::size_t(n);
    return {m * e.weights, m * e.parameters,    m * e.activations, m * e.indices, n ? e.transient : 0,
            n ? e.transient_indices : 0, n * e.tensors, n * e.layers, n * e.sites};
  }
  /// Whose own layers' places lie behind so many scalars that are held while they run.
  constexpr Extent holding(std::size_t scalars) const {
    Extent e = *this;
    e.transient += scalars;
    return e;
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
constexpr Extent activations(Shape) { return {.activations = padded(Shape::size), .transient = padded(Shape::size)}; }
template <class Shape>
constexpr Extent indices(Shape) { return {.indices = padded(Shape::size), .transient_indices = padded(Shape::size)}; }
constexpr Extent layer() { return {.layers = 1}; }
constexpr Extent site() { return {.sites = 1}; }

}  // namespace extents
}  // namespace dropnet
