#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/pick.hpp"
#include "dropnet/core/shape.hpp"

namespace dropnet {

/// Images, [image][channel][row][column], as bytes or floats, each with a label or with a target, a vector that a network is to
/// give. Made from the caller's arrays it is a view of them, which must outlive it; made by a reader it shares their ownership.
/// What they have decides what is minimised: softmax cross-entropy for labels, half the squared distance for targets.
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

  /// The same images with targets instead of labels, [image][value]; the values must outlive it.
  /// Throws Error if they are not as many for each image.
  Dataset with_targets(std::span<const float> targets) const {
    if (size_ == 0 || targets.empty() || targets.size() % size_ != 0)
      throw Error("dropnet: Dataset: " + std::to_string(targets.size()) + " target values for " + std::to_string(size_) +
                  " images; give each image as many");
    Dataset d = *this;
    d.labels_.clear();
    d.targets_ = targets;
    return d;
  }

  std::size_t size() const { return size_; }
  int channels() const { return channels_; }
  int height() const { return height_; }
  int width() const { return width_; }
  std::size_t image_size() const { return image_size_; }
  /// Empty if the images have targets.
  std::span<const int> labels() const { return labels_; }
  std::span<const float> targets() const { return targets_; }
  bool has_targets() const { return !targets_.empty(); }
  std::size_t target_size() const { return size_ ? targets_.size() / size_ : 0; }
  std::span<const float> target(std::size_t image) const { return targets_.subspan(image * target_size(), target_size()); }
  /// All pixels: as bytes, each worth scale(), or as floats; the other one is empty.
  std::span<const std::uint8_t> bytes() const { return bytes_; }
  std::span<const float> floats() const { return floats_; }
  float scale() const { return scale_; }

  /// What is subtracted from each image before it is scaled, in the pixels' own unit; empty: nothing.
  std::span<const float> mean() const { return mean_ ? std::span<const float>(*mean_) : std::span<const float>(); }
  /// The same images less this one, a value per pixel, usually the mean of the training images.
  /// Throws Error if it is no image of their size.
  Dataset less(std::vector<float> mean) const {
    if (mean.size() != image_size_)
      throw Error("dropnet: Dataset: a mean of " + std::to_string(mean.size()) + " values for images of " + std::to_string(image_size_));
    Dataset d = *this;
    d.mean_ = std::make_shared<const std::vector<float>>(std::move(mean));
    return d;
  }

  /// The first `count` images, or all if there are not so many.
  Dataset first(std::size_t count) const {
    Dataset d = *this;
    if (count >= size()) return d;
    if (has_targets()) d.targets_ = targets_.first(count * target_size());
    d.size_ = count;
    d.labels_.resize(has_targets() ? 0 : count);
    if (bytes_.empty())
      d.floats_ = floats_.first(count * image_size_);
    else
      d.bytes_ = bytes_.first(count * image_size_);
    return d;
  }

  /// Writes image `i` as it is.
  template <class T>
  void image(std::size_t i, T* to) const { image(Pick{.image = std::uint32_t(i)}, to); }
  /// Writes the picked window, of the image's own size, to `to`, image_size() values.
  template <class T>
  void image(const Pick& pick, T* to) const {
    const std::size_t from = pick.image * image_size_;
    if (!bytes_.empty())
      window(bytes_.data() + from, T(scale_), pick, to);
    else
      window(floats_.data() + from, T(1), pick, to);
  }

  /// Throws Error if the images do not go into a network with input Shape and so many outputs.
  template <class Shape>
  void require(Shape, std::size_t outputs, const char* where) const {
    if (channels_ != Shape::channels || height_ != Shape::height || width_ != Shape::width)
      throw Error(std::string("dropnet: ") + where + ": the images are " + text(channels_, height_, width_) +
                  " but the network takes " + text(Shape::channels, Shape::height, Shape::width) +
                  " [channels x rows x columns]");
    if (size_ == 0) throw Error(std::string("dropnet: ") + where + ": the data set has no images");
    if (has_targets() && target_size() != outputs)
      throw Error(std::string("dropnet: ") + where + ": a target has " + std::to_string(target_size()) + " values but the network has " +
                  std::to_string(outputs) + " outputs");
    for (int label : labels_)
      if (label < 0 || std::size_t(label) >= outputs)
        throw Error(std::string("dropnet: ") + where + ": a label is " + std::to_string(label) + " but the network has " +
                    std::to_string(outputs) + " outputs; labels count from 0");
  }

 private:
  template <class Shape>
  Dataset(Shape, std::size_t pixels, std::vector<int> labels)
      : Dataset(Shape::channels, Shape::height, Shape::width, pixels, std::move(labels)) {}
  Dataset(int channels, int height, int width, std::size_t pixels, std::vector<int> labels)
      : channels_(channels), height_(height), width_(width),
        image_size_(std::size_t(channels) * std::size_t(height) * std::size_t(width)), size_(labels.size()), labels_(std::move(labels)) {
    if (pixels != labels_.size() * image_size_)
      throw Error("dropnet: Dataset: " + std::to_string(pixels) + " pixel values for " + std::to_string(labels_.size()) +
                  " labels and images of " + std::to_string(image_size_) + "; give one label per image");
  }
  template <class Value, class T>
  void window(const Value* from, T scale, const Pick& pick, T* to) const {
    const float* mean = mean_ ? mean_->data() : nullptr;
    // The columns of the window that lie in the image.
    const int first = std::clamp(-int(pick.column), 0, width_), last = std::clamp(width_ - int(pick.column), first, width_);
    for (int c = 0; c < channels_; ++c)
      for (int r = 0; r < height_; ++r, to += width_) {
        const int row = r + pick.row;
        for (int q = 0; q < width_; ++q) to[q] = T(0);
        if (row < 0 || row >= height_) continue;
        const std::ptrdiff_t at = (std::ptrdiff_t(c) * height_ + row) * width_ + pick.column;
        if (mean)
          for (int q = first; q < last; ++q) to[q] = (T(from[at + q]) - T(mean[at + q])) * scale;
        else
          for (int q = first; q < last; ++q) to[q] = T(from[at + q]) * scale;
        if (pick.mirror) std::reverse(to, to + width_);
      }
  }
  static std::string text(int c, int h, int w) {
    return std::to_string(c) + "x" + std::to_string(h) + "x" + std::to_string(w);
  }

  int channels_ = 0, height_ = 0, width_ = 0;
  std::size_t image_size_ = 0, size_ = 0;
  std::span<const std::uint8_t> bytes_;
  std::span<const float> floats_;
  float scale_ = 1;
  std::vector<int> labels_;
  std::span<const float> targets_;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<const std::vector<float>> mean_;
};

/// The mean of all images, a value per pixel and in the pixels' own unit.
inline std::vector<float> mean_image(const Dataset& data) {
  std::vector<double> sums(data.image_size());
  for (std::size_t i = 0; i < data.size(); ++i)
    for (std::size_t k = 0; k < sums.size(); ++k) {
      const std::size_t at = i * sums.size() + k;
      sums[k] += data.bytes().empty() ? double(data.floats()[at]) : double(data.bytes()[at]);
    }
  std::vector<float> mean(sums.size());
  for (std::size_t k = 0; k < sums.size(); ++k) mean[k] = float(sums[k] / double(std::max<std::size_t>(data.size(), 1)));
  return mean;
}

}  // namespace dropnet
