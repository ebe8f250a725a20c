#pragma once

#include <cstdint>

namespace dropnet {

/// One image of a batch: its number, how far its window is moved (beyond its edge lie zeros), and whether the window is turned left
/// to right. The same bytes on host and device.
struct Pick {
  std::uint32_t image = 0;
  std::int16_t row = 0, column = 0;
  std::uint32_t mirror = 0;
};

}  // namespace dropnet
