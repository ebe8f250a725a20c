#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/file.hpp"
#include "dropnet/data/dataset.hpp"
#include "dropnet/data/idx.hpp"
#include "dropnet/files/mapped.hpp"

namespace dropnet {

/// A data set as pack_images writes it, PART being train or val:
///
///     PART-images-idx4-ubyte   [image][channel][row][column], bytes
///     PART-labels-idx1-int     [image]
///     train-mean-idx3-float    [channel][row][column], of train's images
///     classes.txt              a line for each class
struct Packed {
  Dataset train, test;
  std::vector<float> mean;
  std::vector<std::string> classes;
};

/// The lines of classes.txt.
inline std::vector<std::string> packed_classes(const std::string& folder) {
  std::ifstream file(folder + "/classes.txt");
  std::vector<std::string> classes;
  for (std::string line; std::getline(file, line);) classes.push_back(line);
  if (classes.empty()) throw Error(folder + "/classes.txt: cannot be read, or has no line; is this a folder that images were packed into?");
  return classes;
}

namespace detail {

/// An IDX file of images, which stay in it.
struct PackedImages {
  IdxHead head;
  std::shared_ptr<const Mapped> file;
  std::span<const std::uint8_t> pixels() const { return file->bytes().subspan(head.length()); }
};
inline PackedImages packed_images(const std::string& path) {
  File file(path);
  auto head = read_idx_head(file, IdxType::byte, 4);
  for (std::size_t d = 1; d < 4; ++d)
    if (head.sizes[d] > 65535) throw file.fail("images with a size of " + std::to_string(head.sizes[d]) + "; it may be 65,535 at most");
  auto mapped = std::make_shared<const Mapped>(path);
  if (mapped->bytes().size() != file.length()) throw file.fail("changed while it was read");
  return {std::move(head), std::move(mapped)};
}

/// Images and labels whose names begin with `prefix`. The images stay in their file.
inline Dataset packed_part(const std::string& prefix, std::size_t classes, float scale) {
  const std::string path = prefix + "-images-idx4-ubyte", labels_path = prefix + "-labels-idx1-int";
  const auto images = packed_images(path);
  const auto& sizes = images.head.sizes;
  const auto labels = read_idx_labels(labels_path, IdxType::integer, sizes[0], path);
  std::vector<int> values;
  values.reserve(labels.sizes[0]);
  for (std::size_t i = 0; i < labels.bytes.size(); i += 4) {
    const std::uint32_t label = big_endian(labels.bytes.data() + i);
    if (label >= classes)
      throw Error(labels_path + ": label " + std::to_string(std::int32_t(label)) + " of image " + std::to_string(i / 4) + "; classes.txt has " +
                  std::to_string(classes) + " classes");
    values.push_back(int(label));
  }
  return Dataset::owned(int(sizes[1]), int(sizes[2]), int(sizes[3]), images.file, images.pixels(), std::move(values), scale);
}

}  // namespace detail

/// Reads what pack_images wrote. A data set may be larger than memory: the images are read when they are used. Throws Error if a file
/// is damaged or two do not belong together.
inline Packed load_packed(const std::string& folder, float scale = 1) {
  Packed packed;
  packed.classes = packed_classes(folder);
  packed.train = detail::packed_part(folder + "/train", packed.classes.size(), scale);
  packed.test = detail::packed_part(folder + "/val", packed.classes.size(), scale);
  const std::string path = folder + "/train-mean-idx3-float";
  const auto mean = detail::read_idx(path, detail::IdxType::real, 3);
  for (std::size_t i = 0; i < mean.bytes.size(); i += 4) packed.mean.push_back(std::bit_cast<float>(detail::big_endian(mean.bytes.data() + i)));
  if (packed.mean.size() != packed.train.stored_size() || packed.mean.size() != packed.test.stored_size())
    throw Error(path + ": a mean of " + std::to_string(packed.mean.size()) + " values for training images of " + std::to_string(packed.train.stored_size()) +
                " and validation images of " + std::to_string(packed.test.stored_size()));
  return packed;
}

}  // namespace dropnet
