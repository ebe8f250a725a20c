#pragma once

#include <cstdint>

namespace dropnet::kernels {

/// n / d by a multiplication, for n d < 2^31.
struct Quotient {
  unsigned factor;
  explicit constexpr Quotient(int d) : factor((1u << 31) / unsigned(d) + (d > 1)) {}
  constexpr int operator()(int n) const {
#ifdef __CUDA_ARCH__
    return int(__umulhi(unsigned(n) * 2, factor));
#else
    return int(std::uint64_t(unsigned(n) * 2) * factor >> 32);
#endif
  }
};

}  // namespace dropnet::kernels
