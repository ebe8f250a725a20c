#pragma once

#include <cmath>
#include <cstdint>

namespace dropnet {

/// A dropout ratio over time: `from` until iteration `start`, then in a straight line to `to` over `length` iterations.
struct DropoutRatio {
  double from, to;
  std::int64_t start, length;

  double at(std::uint64_t iteration) const {
    const auto t = std::int64_t(iteration) - start;
    if (t <= 0) return length > 0 || t < 0 ? from : to;
    // With fma each backend rounds alike.
    return t >= length ? to : std::fma(to - from, double(t) / double(length), from);
  }
};

}  // namespace dropnet
