#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/file.hpp"
#include "dropnet/data/dataset.hpp"

namespace dropnet {

/// Images of 3 x 32 x 32 (red, green, blue) from files of CIFAR-10's binary version: records of a label byte, 0 to 9, and 3,072
/// pixels. Throws Error, with the offset, if a file is no whole number of records or a label is greater.
inline Dataset load_cifar10_batches(const std::vector<std::string>& paths, float scale = 1) {
  constexpr std::size_t pixels = 3 * 32 * 32, record = 1 + pixels;
  std::vector<detail::File> files;
  std::size_t images = 0;
  for (const auto& path : paths) {
    auto& file = files.emplace_back(path);
    if (file.length() == 0) throw file.fail("an empty file");
    if (file.length() % record != 0)
      throw file.fail("truncated at offset " + std::to_string(file.length()) + ", inside record " + std::to_string(file.length() / record) + " of " +
                      std::to_string(record) + " bytes; this is no file of CIFAR-10's binary version, or not all of it");
    images += file.length() / record;
  }
  auto bytes = std::make_shared<std::vector<std::uint8_t>>(images * pixels);
  std::vector<int> labels;
  labels.reserve(images);
  for (auto& file : files)
    for (std::size_t r = 0; r < file.length() / record; ++r) {
      std::uint8_t label = 0;
      file.read(&label, 1);
      if (label > 9)
        throw file.fail("offset " + std::to_string(r * record) + ": a label of " + std::to_string(label) + "; CIFAR-10's are 0 to 9");
      file.read(bytes->data() + labels.size() * pixels, pixels);
      labels.push_back(label);
    }
  return Dataset::owned(3, 32, 32, bytes, *bytes, std::move(labels), scale);
}

struct Cifar10Data {
  Dataset train;
  Dataset test;
};

/// CIFAR-10's six files, under their original names, in one folder. Pixels are bytes, 0 to 255, times `scale`.
inline Cifar10Data load_cifar10(const std::string& folder, float scale = 1) {
  std::vector<std::string> train;
  for (int i = 1; i <= 5; ++i) train.push_back(folder + "/data_batch_" + std::to_string(i) + ".bin");
  return {load_cifar10_batches(train, scale), load_cifar10_batches({folder + "/test_batch.bin"}, scale)};
}

}  // namespace dropnet
