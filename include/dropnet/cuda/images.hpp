#pragma once

#include <cstddef>
#include <cstdint>

#include "dropnet/core/blob.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/data/dataset.hpp"

namespace dropnet {

/// A data set in device memory, bytes as bytes.
struct DeviceImages {
  cuda::DeviceBuffer<std::uint8_t> bytes;
  cuda::DeviceBuffer<float> floats;
  cuda::DeviceBuffer<float> mean;
  cuda::DeviceBuffer<int> labels;
  cuda::DeviceBuffer<float> targets;
  std::size_t target_size = 0;
  Size shown = 0, stored = 0, origin = 0;
  std::size_t image_size = 0, stored_size = 0;
  float scale = 1;
};

/// Copies the data set to the device.
inline DeviceImages resident(Cuda&, const Dataset& data) {
  DeviceImages images{cuda::DeviceBuffer<std::uint8_t>(data.bytes().size()),
                      cuda::DeviceBuffer<float>(data.floats().size()),
                      cuda::DeviceBuffer<float>(data.mean().size()),
                      cuda::DeviceBuffer<int>(data.labels().size()),
                      cuda::DeviceBuffer<float>(data.targets().size()),
                      data.target_size(),
                      {data.height(), data.width()},
                      data.stored(),
                      data.origin(),
                      data.image_size(),
                      data.stored_size(),
                      data.bytes().empty() ? 1 : data.scale()};
  images.bytes.upload(0, data.bytes());
  images.floats.upload(0, data.floats());
  images.mean.upload(0, data.mean());
  images.labels.upload(0, data.labels());
  images.targets.upload(0, data.targets());
  return images;
}

/// Inputs and labels, or targets, of the picked images; whether it is targets that they have.
template <class Shape>
bool load_images(Cuda& cuda, const DeviceImages& from, const Pick* picks, Blob<float, Shape> x, int* labels, float* targets) {
  const kernels::Images images{from.bytes.data(), from.floats.data(), from.mean.data(), from.labels.data(), from.targets.data(),
                               std::uint32_t(from.target_size), from.shown, from.stored, from.origin, from.image_size, from.stored_size, from.scale};
  kernels::load_images(cuda.stream(), images, picks, x.batch, x.data, labels, targets);
  return from.target_size > 0;
}

}  // namespace dropnet
