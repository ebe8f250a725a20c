#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/shape.hpp"

namespace dropnet {

/// Labelled images, [image][channel][row][column], as bytes or floats. Made from the caller's arrays it is a view
/// of the pixels, which must outlive it; made by a reader it shares their ownership.
class Dataset {
 public:
  Dataset() = default;

  /// A pixel's value is its byte times `scale` (1/256 as in Caffe's LeNet recipe, unless given).
  /// Throws Error if the number of pixels or labels does not fit.
  template <class Shape>
  static Dataset bytes(Shape shape, std::span<const std::uint8_t> pixels, std::vector<int> labels, float scale = 1 / 256.0f) {
    Dataset d(shape, pixels.size(), std::move(labels));
    d.bytes_ = pixels;
    d.scale_ = scale;
    return d;
  }
  template <class Shape>
  static Dataset floats(Shape shape, std::span<const float> pixels, std::vector<int> labels) {
    Dataset d(shape, pixels.size(), std::move(labels));
    d.floats_ = pixels;
    return d;
  }
  /// A view of bytes whose owner it keeps alive; the shape is known at run time only.
  static Dataset owned(int channels, int height, int width, std::shared_ptr<const std::vector<std::uint8_t>> pixels,
                       std::span<const std::uint8_t> view, std::vector<int> labels, float scale = 1 / 256.0f) {
    Dataset d(channels, height, width, view.size(), std::move(labels));
    d.bytes_ = view;
    d.scale_ = scale;
    d.owner_ = std::move(pixels);
    return d;
  }

  std::size_t size() const { return labels_.size(); }
  int channels() const { return channels_; }
  int height() const { return height_; }
  int width() const { return width_; }
  std::size_t image_size() const { return image_size_; }
  std::span<const int> labels() const { return labels_; }
  /// All pixels: as bytes, each worth scale(), or as floats; the other one is empty.
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::span<const float> floats() const { return floats_; }
  float scale() const { return scale_; }

  /// Writes image `i` to `to`, image_size() values.
  template <class T>
  void image(std::size_t i, T* to) const {
    if (!bytes_.empty()) {
      const std::uint8_t* from = bytes_.data() + i * image_size_;
      for (std::size_t k = 0; k < image_size_; ++k) to[k] = T(from[k]) * T(scale_);
    } else {
      const float* from = floats_.data() + i * image_size_;
      for (std::size_t k = 0; k < image_size_; ++k) to[k] = T(from[k]);
    }
  }

  /// Throws Error if images of this shape do not go into a network with input Shape and so many classes.
  template <class Shape>
  void require(Shape, std::size_t classes, const char* where) const {
    if (channels_ != Shape::channels || height_ != Shape::height || width_ != Shape::width)
      throw Error(std::string("dropnet: ") + where + ": the images are " + text(channels_, height_, width_) +
                  " but the network takes " + text(Shape::channels, Shape::height, Shape::width) +
                  " [channels x rows x columns]");
    if (labels_.empty()) throw Error(std::string("dropnet: ") + where + ": the data set has no images");
    for (int label : labels_)
      if (label < 0 || std::size_t(label) >= classes)
        throw Error(std::string("dropnet: ") + where + ": a label is " + std::to_string(label) + " but the network has " +
                    std::to_string(classes) + " outputs; labels count from 0");
  }

 private:
  template <class Shape>
  Dataset(Shape, std::size_t pixels, std::vector<int> labels)
      : Dataset(Shape::channels, Shape::height, Shape::width, pixels, std::move(labels)) {}
  Dataset(int channels, int height, int width, std::size_t pixels, std::vector<int> labels)
      : channels_(channels), height_(height), width_(width),
        image_size_(std::size_t(channels) * std::size_t(height) * std::size_t(width)), labels_(std::move(labels)) {
    if (pixels != labels_.size() * image_size_)
      throw Error("dropnet: Dataset: " + std::to_string(pixels) + " pixel values for " + std::to_string(labels_.size()) +
                  " labels and images of " + std::to_string(image_size_) + "; give one label per image");
  }
  static std::string text(int c, int h, int w) {
    return std::to_string(c) + "x" + std::to_string(h) + "x" + std::to_string(w);
  }

  int channels_ = 0, height_ = 0, width_ = 0;
  std::size_t image_size_ = 0;
  std::span<const std::uint8_t> bytes_;
  std::span<const float> floats_;
  float scale_ = 1;
  std::vector<int> labels_;
  std::shared_ptr<const void> owner_;
};

}  // namespace dropnet
