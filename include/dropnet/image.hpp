#pragma once

// Needs stb_image, stb_image_resize and stb_image_write, and their implementation: link dropnet::image.

#include <stb/stb_image.h>
#include <stb/stb_image_resize.h>
#include <stb/stb_image_write.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dropnet/core/error.hpp"

namespace dropnet {

/// A decoded picture: bytes [channel][row][column].
struct Picture {
  int channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> bytes;
};

/// Reads a JPEG or PNG file as 1 (grey) or 3 (RGB) channels and brings it to a size, stretching it if it must.
/// Throws Error if it is neither, is damaged, or has a side of more than 16,384 pixels.
inline Picture load_image(const std::string& path, int channels, int height, int width) {
  constexpr int most = 16384;
  int w = 0, h = 0, own = 0;
  if (!stbi_info(path.c_str(), &w, &h, &own)) throw Error(path + ": " + stbi_failure_reason() + "; a JPEG or PNG image is needed");
  if (w > most || h > most || w < 1 || h < 1)
    throw Error(path + ": the image is " + std::to_string(w) + "x" + std::to_string(h) + "; a side may have at most 16384 pixels");
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(stbi_load(path.c_str(), &w, &h, &own, channels), &stbi_image_free);
  if (!pixels) throw Error(path + ": " + stbi_failure_reason());
  std::vector<std::uint8_t> sized(std::size_t(width) * std::size_t(height) * std::size_t(channels));
  if (!stbir_resize_uint8(pixels.get(), w, h, 0, sized.data(), width, height, 0, channels)) throw Error(path + ": cannot be resized");
  Picture picture{channels, height, width, std::vector<std::uint8_t>(sized.size())};
  const std::size_t plane = std::size_t(width) * std::size_t(height);
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < std::size_t(channels); ++c) picture.bytes[c * plane + i] = sized[i * std::size_t(channels) + c];
  return picture;
}

/// Writes a picture as a PNG file. Throws Error if that fails.
inline void save_image(const Picture& picture, const std::string& path) {
  std::vector<std::uint8_t> pixels(picture.bytes.size());
  const std::size_t plane = std::size_t(picture.width) * std::size_t(picture.height), channels = std::size_t(picture.channels);
  for (std::size_t i = 0; i < plane; ++i)
    for (std::size_t c = 0; c < channels; ++c) pixels[i * channels + c] = picture.bytes[c * plane + i];
  if (!stbi_write_png(path.c_str(), picture.width, picture.height, picture.channels, pixels.data(), picture.width * picture.channels))
    throw Error(path + ": cannot be written; is its folder there and writable?");
}

}  // namespace dropnet
