#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/file.hpp"
#include "dropnet/data/dataset.hpp"

namespace dropnet {

namespace detail {

/// An IDX file of unsigned bytes: magic 0x0000 08 DD, DD sizes as big-endian 32-bit numbers, then the bytes.
struct Idx {
  std::vector<std::uint32_t> sizes;
  std::vector<std::uint8_t> bytes;  ///< the whole file
  std::size_t header = 0;           ///< bytes before the values
};

/// Reads a file that must have `dimensions` sizes. Throws Error, with the offset, if anything does not fit the
/// file's own length; memory is taken only after that.
inline Idx read_idx(const std::string& path, std::uint32_t dimensions) {
  File file(path);
  const std::size_t length = file.length();
  const std::size_t header = 4 + 4 * std::size_t(dimensions);
  if (length < header)
    throw file.fail("truncated at offset " + std::to_string(length) + ", inside the header of " + std::to_string(header) + " bytes");
  std::array<std::uint8_t, 4 + 4 * 4> head{};
  if (dimensions > 4) throw file.fail("cannot be read");
  file.read(head.data(), header);
  const auto word = [&](std::size_t at) {
    return std::uint32_t(head[at]) << 24 | std::uint32_t(head[at + 1]) << 16 | std::uint32_t(head[at + 2]) << 8 | head[at + 3];
  };
  const std::uint32_t magic = 0x800u + dimensions;
  if (word(0) != magic)
    throw file.fail("offset 0: the magic number is " + std::to_string(word(0)) + ", not " + std::to_string(magic) +
                    "; this is no uncompressed IDX file of bytes with " + std::to_string(dimensions) + " dimensions");
  Idx idx;
  idx.header = header;
  std::size_t values = 1;
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    idx.sizes.push_back(word(4 + 4 * d));
    if (idx.sizes[d] == 0) throw file.fail("offset " + std::to_string(4 + 4 * d) + ": a size of 0");
    if (values > (length - header) / idx.sizes[d])
      throw file.fail("truncated: the sizes at offsets 4 to " + std::to_string(header - 1) + " ask for more values than the " +
                      std::to_string(length - header) + " bytes behind them");
    values *= idx.sizes[d];
  }
  if (values != length - header)
    throw file.fail("offset " + std::to_string(header + values) + ": the file goes on for " +
                    std::to_string(length - header - values) + " bytes after its last value");
  idx.bytes.resize(length);
  std::copy_n(head.begin(), header, idx.bytes.begin());
  file.read(idx.bytes.data() + header, length - header);
  return idx;
}

}  // namespace detail

/// Images (3 dimensions, [image][row][column]) with their labels (1 dimension) from two uncompressed IDX files.
/// Pixels are bytes times 1/256. Throws Error if a file is damaged or the two do not belong together.
inline Dataset load_idx(const std::string& images, const std::string& labels) {
  auto pixels = detail::read_idx(images, 3);
  const auto classes = detail::read_idx(labels, 1);
  if (pixels.sizes[0] != classes.sizes[0])
    throw Error(labels + ": " + std::to_string(classes.sizes[0]) + " labels for the " + std::to_string(pixels.sizes[0]) +
                " images of " + images);
  if (pixels.sizes[1] > 65535 || pixels.sizes[2] > 65535) throw Error(images + ": images of more than 65,535 rows or columns");
  const std::vector<int> values(classes.bytes.begin() + std::ptrdiff_t(classes.header), classes.bytes.end());
  const int height = int(pixels.sizes[1]), width = int(pixels.sizes[2]);
  const std::size_t header = pixels.header;
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(pixels.bytes));
  return Dataset::owned(1, height, width, bytes, std::span(*bytes).subspan(header), values);
}

struct Mnist {
  Dataset train;
  Dataset test;
};

/// MNIST's four files, under their original names, uncompressed, in one folder.
inline Mnist load_mnist(const std::string& folder) {
  return {load_idx(folder + "/train-images-idx3-ubyte", folder + "/train-labels-idx1-ubyte"),
          load_idx(folder + "/t10k-images-idx3-ubyte", folder + "/t10k-labels-idx1-ubyte")};
}

}  // namespace dropnet
