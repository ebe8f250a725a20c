#pragma once

#include <cstdint>
#include <string>

#include "dropnet/core/error.hpp"
#include "dropnet/core/pick.hpp"
#include "dropnet/core/random.hpp"

namespace dropnet {

/// How training images are varied: the window that a network sees is moved at random, rows and columns by up to `pad` pixels; left
/// and right are changed with probability 1/2. Around an image, or around what a cropped one has beside the window, lie zeros; they
/// are put on after the mean is subtracted.
struct Augmentation {
  int pad = 0;  ///< pixels
  bool mirror = false;
  friend bool operator==(const Augmentation&, const Augmentation&) = default;
};

/// Throws Error if the numbers make no sense.
inline void check(const Augmentation& a) {
  if (a.pad < 0 || a.pad > 1024) throw Error("dropnet: Augmentation: the pad is " + std::to_string(a.pad) + "; it must be 0 to 1,024 pixels");
}

/// What becomes of an image in epoch e: a pure function of (seed, e, image).
inline Pick augmented(const Augmentation& a, Seed seed, std::uint64_t epoch, std::uint32_t image) {
  const auto words = Random(seed, Random::augment, 0, epoch).block(image);
  const auto place = [&](std::uint32_t word) { return std::int16_t(int((std::uint64_t(word) * std::uint64_t(2 * a.pad + 1)) >> 32) - a.pad); };
  return {image, place(words[0]), place(words[1]), a.mirror ? words[2] >> 31 : 0};
}

}  // namespace dropnet
