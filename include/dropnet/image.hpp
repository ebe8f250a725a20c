#pragma once

// Needs stb_image, stb_image_resize and stb_image_write, and their implementation: link dropnet::image.

#include <stb/stb_image.h>
#include <stb/stb_image_resize.h>
#include <stb/stb_image_write.h>

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/files/image_check.hpp"
#include "dropnet/files/whole.hpp"

namespace dropnet {

/// A decoded picture: bytes [channel][row][column].
struct Picture {
  int channels = 0, height = 0, width = 0;
  std::vector<std::uint8_t> bytes;
};

/// How a picture of other proportions is brought to a size: stretched, or scaled until it covers all and its middle cut out.
enum class Fit { stretch, cover };

/// Reads a JPEG or PNG file as 1 (grey) or 3 (RGB) channels and brings it to a size.
/// Throws Error if it is neither, is damaged, has a side of more than 16,384 pixels, or more pixels than its bytes can hold.
inline Picture load_image(const std::string& path, int channels, int height, int width, Fit fit = Fit::stretch) {
  constexpr int most = 16384;
  const auto file = detail::read_whole(path);
  if (file.size() > INT_MAX) throw Error(path + ": an image file of more than 2 GiB");
  const int length = int(file.size());
  if (!detail::png_chunks_fit(file)) throw Error(path + ": truncated: a PNG chunk is longer than the rest of the file");
  if (!detail::jpeg_tables_fit(file)) throw Error(path + ": a Huffman table that cannot be; the file is damaged");
  int w = 0, h = 0, own = 0;
  if (!stbi_info_from_memory(file.data(), length, &w, &h, &own)) throw Error(path + ": " + stbi_failure_reason() + "; a JPEG or PNG image is needed");
  if (w > most || h > most || w < 1 || h < 1)
    throw Error(path + ": the image is " + std::to_string(w) + "x" + std::to_string(h) + "; a side may have at most 16384 pixels");
  // Deflate, PNG's packing, makes at most 1,032 bytes of one, and JPEG's shortest block, 2 bits for 64 values, no more: a header
  // that promises more than that asks for memory that nothing fills. Below a megabyte it may.
  if (double(w) * h * std::max(own, channels) > 1032.0 * double(file.size()) + (1 << 20))
    throw Error(path + ": the image is " + std::to_string(w) + "x" + std::to_string(h) + ", too much for a file of " + std::to_string(file.size()) + " bytes; it is damaged");
  const std::unique_ptr<stbi_uc, void (*)(void*)> pixels(stbi_load_from_memory(file.data(), length, &w, &h, &own, channels), &stbi_image_free);
  if (!pixels) throw Error(path + ": " + stbi_failure_reason());
  std::vector<std::uint8_t> sized(std::size_t(width) * std::size_t(height) * std::size_t(channels));
  int left = 0, top = 0, wide = w, high = h;  // of what is shown
  if (fit == Fit::cover) {
    const double scale = std::min(double(w) / width, double(h) / height);
    wide = std::clamp(int(std::lround(scale * width)), 1, w);
    high = std::clamp(int(std::lround(scale * height)), 1, h);
    left = (w - wide) / 2;
    top = (h - high) / 2;
  }
  const stbi_uc* const shown = pixels.get() + (std::ptrdiff_t(top) * w + left) * channels;
  if (!stbir_resize_uint8(shown, wide, high, w * channels, sized.data(), width, height, 0, channels)) throw Error(path + ": cannot be resized");
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
