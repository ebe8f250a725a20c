#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/file.hpp"
#include "dropnet/data/dataset.hpp"

namespace dropnet {

namespace detail {

/// What the values of an IDX file are: the third byte of its magic number.
enum class IdxType : std::uint8_t { byte = 0x08, integer = 0x0c, real = 0x0d };
constexpr std::size_t size_of(IdxType type) { return type == IdxType::byte ? 1 : 4; }

constexpr std::uint32_t big_endian(const std::uint8_t* at) {
  return std::uint32_t(at[0]) << 24 | std::uint32_t(at[1]) << 16 | std::uint32_t(at[2]) << 8 | at[3];
}
inline void put_big_endian(std::uint32_t value, std::vector<std::uint8_t>& to) {
  for (const int shift : {24, 16, 8, 0}) to.push_back(std::uint8_t(value >> shift));
}

/// The head of an IDX file: magic 0x0000 TYPE DD, then DD sizes as big-endian 32-bit numbers. The values follow, big-endian too.
struct IdxHead {
  IdxType type;
  std::vector<std::uint32_t> sizes;

  std::size_t length() const { return 4 + 4 * sizes.size(); }  ///< bytes
  std::vector<std::uint8_t> bytes() const {
    std::vector<std::uint8_t> head;
    put_big_endian(std::uint32_t(type) << 8 | std::uint32_t(sizes.size()), head);
    for (const std::uint32_t size : sizes) put_big_endian(size, head);
    return head;
  }
};

/// Reads the head of a file that must have so many sizes, at most 4. Throws Error, with the offset, if anything does not fit the
/// file's own length.
inline IdxHead read_idx_head(File& file, IdxType type, std::uint32_t dimensions) {
  const std::size_t length = file.length(), header = 4 + 4 * std::size_t(dimensions);
  if (length < header)
    throw file.fail("truncated at offset " + std::to_string(length) + ", inside the header of " + std::to_string(header) + " bytes");
  std::array<std::uint8_t, 4 + 4 * 4> head{};
  file.read(head.data(), header);
  const std::uint32_t magic = std::uint32_t(type) << 8 | dimensions, found = big_endian(head.data());
  if (found != magic) {
    const char* values = type == IdxType::byte ? "bytes" : type == IdxType::integer ? "32-bit integers" : "32-bit floats";
    throw file.fail("offset 0: the magic number is " + std::to_string(found) + ", not " + std::to_string(magic) +
                    "; this is no uncompressed IDX file of " + values + " with " + std::to_string(dimensions) + " dimensions");
  }
  IdxHead idx{type, {}};
  std::size_t bytes = size_of(type);
  for (std::uint32_t d = 0; d < dimensions; ++d) {
    idx.sizes.push_back(big_endian(head.data() + 4 + 4 * d));
    if (idx.sizes[d] == 0) throw file.fail("offset " + std::to_string(4 + 4 * d) + ": a size of 0");
    if (bytes > (length - header) / idx.sizes[d])
      throw file.fail("truncated: the sizes at offsets 4 to " + std::to_string(header - 1) + " ask for more values than the " +
                      std::to_string(length - header) + " bytes behind them");
    bytes *= idx.sizes[d];
  }
  if (bytes != length - header)
    throw file.fail("offset " + std::to_string(header + bytes) + ": the file goes on for " +
                    std::to_string(length - header - bytes) + " bytes after its last value");
  return idx;
}

/// An IDX file's sizes and the bytes behind its head.
struct Idx {
  std::vector<std::uint32_t> sizes;
  std::vector<std::uint8_t> bytes;
};
/// Memory is taken only when the head fits the file's length.
inline Idx read_idx(const std::string& path, IdxType type, std::uint32_t dimensions) {
  File file(path);
  const auto head = read_idx_head(file, type, dimensions);
  Idx idx{head.sizes, std::vector<std::uint8_t>(file.length() - head.length())};
  file.read(idx.bytes.data(), idx.bytes.size());
  return idx;
}

/// Reads a label for each of so many images. Throws Error if there are not as many.
inline Idx read_idx_labels(const std::string& path, IdxType type, std::uint32_t count, const std::string& images) {
  auto labels = read_idx(path, type, 1);
  if (labels.sizes[0] != count)
    throw Error(path + ": " + std::to_string(labels.sizes[0]) + " labels for the " + std::to_string(count) + " images of " + images);
  return labels;
}

}  // namespace detail

/// Images (3 dimensions, [image][row][column]) with their labels (1 dimension) from two uncompressed IDX files.
/// Pixels are bytes times 1/256. Throws Error if a file is damaged or the two do not belong together.
inline Dataset load_idx(const std::string& images, const std::string& labels) {
  auto pixels = detail::read_idx(images, detail::IdxType::byte, 3);
  const auto classes = detail::read_idx_labels(labels, detail::IdxType::byte, pixels.sizes[0], images);
  if (pixels.sizes[1] > 65535 || pixels.sizes[2] > 65535) throw Error(images + ": images of more than 65,535 rows or columns");
  const std::vector<int> values(classes.bytes.begin(), classes.bytes.end());
  const int height = int(pixels.sizes[1]), width = int(pixels.sizes[2]);
  const auto bytes = std::make_shared<const std::vector<std::uint8_t>>(std::move(pixels.bytes));
  return Dataset::owned(1, height, width, bytes, *bytes, values);
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
