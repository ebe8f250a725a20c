#pragma once

namespace dropnet {

/// Where an LRN's window lies: over neighbouring channels at one pixel, or over a square of pixels in one channel.
struct AcrossChannels {
  template <int Size>
  static constexpr int count = Size;
};
struct WithinChannel {
  template <int Size>
  static constexpr int count = Size * Size;
};

/// An LRN's window and numbers: scale = k + alpha / (the window's positions) sum of x^2, y = x scale^-beta.
template <int SizeN, class RegionT>
struct LrnWindow {
  using Region = RegionT;
  static constexpr int size = SizeN;
  static constexpr int half = (SizeN - 1) / 2;
  double alpha, beta, k;
  double share() const { return alpha / Region::template count<SizeN>; }
};

}  // namespace dropnet
