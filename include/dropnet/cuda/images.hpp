#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/data/dataset.hpp"

namespace dropnet {

/// A data set in device memory, or a batch of it, bytes as bytes.
struct DeviceImages {
  /// Memory for so many images like these, and their mean.
  DeviceImages(const Dataset& like, std::size_t count)
      : bytes(like.bytes().empty() ? 0 : count * like.stored_size(), nullptr, advice),
        floats(like.floats().empty() ? 0 : count * like.stored_size(), nullptr, advice),
        mean(like.mean().size()),
        labels(like.has_targets() ? 0 : count),
        targets(count * like.target_size(), nullptr, advice),
        target_size(like.target_size()),
        shown{like.height(), like.width()},
        stored(like.stored()),
        origin(like.origin()),
        image_size(like.image_size()),
        stored_size(like.stored_size()),
        scale(like.bytes().empty() ? 1 : like.scale()) {
    mean.upload(0, like.mean());
  }

  cuda::DeviceBuffer<std::uint8_t> bytes;
  cuda::DeviceBuffer<float> floats;
  cuda::DeviceBuffer<float> mean;
  cuda::DeviceBuffer<int> labels;
  cuda::DeviceBuffer<float> targets;
  std::size_t target_size;
  Size shown, stored, origin;
  std::size_t image_size, stored_size;
  float scale;

 private:
  static constexpr const char* advice = "with workers the device holds one batch instead of all images; or use a smaller batch";
};

/// Copies the data set to the device.
inline DeviceImages resident(Cuda&, const Dataset& data) {
  DeviceImages images(data, data.size());
  images.bytes.upload(0, data.bytes());
  images.floats.upload(0, data.floats());
  images.labels.upload(0, data.labels());
  images.targets.upload(0, data.targets());
  return images;
}

/// Inputs and labels, or targets, of the picked images; whether it is targets that they have.
inline bool load_images(Cuda& cuda, const DeviceImages& from, const Pick* picks, Values<float> x, int* labels, float* targets) {
  const kernels::Images images{from.bytes.data(), from.floats.data(), from.mean.data(), from.labels.data(), from.targets.data(),
                               std::uint32_t(from.target_size), from.shown, from.stored, from.origin, from.image_size, from.stored_size, from.scale};
  kernels::load_images(cuda.stream(), images, picks, x.batch, x.data, labels, targets);
  return from.target_size > 0;
}

}  // namespace dropnet
