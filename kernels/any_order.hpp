#pragma once

#include <cstddef>
#include <numeric>

namespace dropnet::kernels {

/// go(i) for each i < n. What runs side by side on a GPU runs one after the other here, but not in the order of its numbers:
/// where one relied on another that comes before or behind it, results are wrong.
template <class Index, class Go>
void in_any_order(Index n, const Go& go) {
  std::size_t step = std::size_t(n) * 5 / 8 + 1, i = n / 2;
  while (std::gcd(step, std::size_t(n)) > 1) ++step;
  for (Index k = 0; k < n; ++k, i = (i + step) % n) go(Index(i));
}

}  // namespace dropnet::kernels
