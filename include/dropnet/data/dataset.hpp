#pragma once

#include <algorithm>
#include <array>
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
#include "dropnet/core/window.hpp"

namespace dropnet {

/// Images, [image][channel][row][column], as bytes or floats, whole or cropped, each with a label or with a target, a vector that a network is to
/// give. Made from the caller's arrays it is a view of them, which must outlive it; vectors that are moved to it, and what a reader has read, it
/// keeps alive, and so do its copies.
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
  static Dataset bytes(Shape shape, std::vector<std::uint8_t>&& pixels, std::vector<int> labels, float scale = 1 / 256.0f) {
    return keeping(std::move(pixels), &Dataset::owner_, [&](auto values) { return bytes(shape, values, std::move(labels), scale); });
  }
  template <class Shape, std::size_t N>
  static Dataset bytes(Shape, std::array<std::uint8_t, N>&&, std::vector<int>, float = 0) = delete;  // it would be a view of what is gone
  template <class Shape>
  static Dataset floats(Shape shape, std::span<const float> pixels, std::vector<int> labels) {
    Dataset d(shape, pixels.size(), std::move(labels));
    d.floats_ = pixels;
    return d;
  }
  template <class Shape>
  static Dataset floats(Shape shape, std::vector<float>&& pixels, std::vector<int> labels) {
    return keeping(std::move(pixels), &Dataset::owner_, [&](auto values) { return floats(shape, values, std::move(labels)); });
  }
  template <class Shape, std::size_t N>
  static Dataset floats(Shape, std::array<float, N>&&, std::vector<int>) = delete;
  /// A view of bytes whose owner it keeps alive; the shape is known at run time only.
  static Dataset owned(int channels, int height, int width, std::shared_ptr<const void> owner, std::span<const std::uint8_t> pixels,
                       std::vector<int> labels, float scale = 1 / 256.0f) {
    Dataset d(channels, height, width, pixels.size(), std::move(labels));
    d.bytes_ = pixels;
    d.scale_ = scale;
    d.owner_ = std::move(owner);
    return d;
  }

  /// The same images with targets instead of labels, [image][value].
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
  Dataset with_targets(std::vector<float>&& targets) const {
    return keeping(std::move(targets), &Dataset::targets_owner_, [&](auto values) { return with_targets(values); });
  }
  template <std::size_t N>
  Dataset with_targets(std::array<float, N>&&) const = delete;

  /// The same images cut to the middle `height` x `width` pixels: what a network sees. An augmentation moves this window over what
  /// lies around it, and beyond that over zeros. Throws Error if the images are smaller.
  Dataset crop(int height, int width) const {
    if (height < 1 || width < 1 || height > stored_.height || width > stored_.width)
      throw Error("dropnet: Dataset: images of " + text(channels_, stored_.height, stored_.width) + " cannot be cropped to " + std::to_string(height) + "x" +
                  std::to_string(width));
    Dataset d = *this;
    d.shown_ = {height, width};
    return d;
  }

  std::size_t size() const { return size_; }
  int channels() const { return channels_; }
  /// Of what a network sees, and values in it.
  int height() const { return shown_.height; }
  int width() const { return shown_.width; }
  std::size_t image_size() const { return size_of(shown_); }
  /// Of the images as they lie in bytes() or floats(), and where in them the window lies, unmoved.
  Size stored() const { return stored_; }
  std::size_t stored_size() const { return size_of(stored_); }
  Size origin() const { return {(stored_.height - shown_.height) / 2, (stored_.width - shown_.width) / 2}; }
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

  /// What is subtracted from each image, as it is stored, before it is scaled, in the pixels' own unit; empty: nothing.
  std::span<const float> mean() const { return mean_ ? std::span<const float>(*mean_) : std::span<const float>(); }
  /// Of that what the window shows where it is not moved: what a network needs to know later.
  std::vector<float> shown_mean() const {
    std::vector<float> shown(mean_ ? image_size() : 0);
    if (mean_) each_shown([&](std::size_t window, std::size_t image) { shown[window] = (*mean_)[image]; });
    return shown;
  }
  /// The same images less this one, a value per pixel, usually the mean of the training images; or a value per pixel of the window,
  /// and nothing is subtracted around it. Throws Error if it is neither.
  Dataset less(std::vector<float> mean) const {
    if (mean.size() == image_size() && mean.size() != stored_size()) {
      std::vector<float> whole(stored_size());
      each_shown([&](std::size_t window, std::size_t image) { whole[image] = mean[window]; });
      mean = std::move(whole);
    }
    if (mean.size() != stored_size())
      throw Error("dropnet: Dataset: a mean of " + std::to_string(mean.size()) + " values for images of " + std::to_string(stored_size()));
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
      d.floats_ = floats_.first(count * stored_size());
    else
      d.bytes_ = bytes_.first(count * stored_size());
    return d;
  }

  /// Writes image `i` as it is.
  template <class T>
  void image(std::size_t i, T* to) const { image(Pick{.image = std::uint32_t(i)}, to); }
  /// Writes the picked window to `to`, image_size() values.
  template <class T>
  void image(const Pick& pick, T* to) const {
    const std::size_t from = pick.image * stored_size();
    if (!bytes_.empty())
      window(bytes_.data() + from, T(scale_), pick, to);
    else
      window(floats_.data() + from, T(1), pick, to);
  }

  /// Throws Error if the images do not go into a network with this input [channels, height, width] and so many outputs.
  void require(const std::array<int, 3>& input, std::size_t outputs, const char* where) const {
    if (input != std::array{channels_, height(), width()})
      throw Error(std::string("dropnet: ") + where + ": the images are " + text(channels_, height(), width()) + " but the network takes " + text(input[0], input[1], input[2]) +
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
      : channels_(channels), stored_{height, width}, shown_(stored_), size_(labels.size()), labels_(std::move(labels)) {
    if (pixels != labels_.size() * stored_size())
      throw Error("dropnet: Dataset: " + std::to_string(pixels) + " pixel values for " + std::to_string(labels_.size()) +
                  " labels and images of " + std::to_string(stored_size()) + "; give one label per image");
  }
  /// What `make` makes of the values, with these kept alive.
  template <class Value, class Make>
  static Dataset keeping(std::vector<Value>&& values, std::shared_ptr<const void> Dataset::*owner, Make make) {
    const auto kept = std::make_shared<const std::vector<Value>>(std::move(values));
    Dataset d = make(std::span<const Value>(*kept));
    d.*owner = kept;
    return d;
  }
  /// Calls work(place in the unmoved window, place in the image).
  template <class Work>
  void each_shown(Work work) const {
    std::size_t at = 0;
    for (int c = 0; c < channels_; ++c)
      for (int r = 0; r < height(); ++r)
        for (int q = 0; q < width(); ++q)
          work(at++, (std::size_t(c) * std::size_t(stored_.height) + std::size_t(origin().height + r)) * std::size_t(stored_.width) + std::size_t(origin().width + q));
  }
  std::size_t size_of(Size s) const { return std::size_t(channels_) * std::size_t(s.height) * std::size_t(s.width); }
  template <class Value, class T>
  void window(const Value* from, T scale, const Pick& pick, T* to) const {
    const float* mean = mean_ ? mean_->data() : nullptr;
    const auto [height, width] = shown_;
    const int top = origin().height + pick.row, left = origin().width + pick.column;
    // The columns of the window that lie in the image.
    const int first = std::clamp(-left, 0, width), last = std::clamp(stored_.width - left, first, width);
    for (int c = 0; c < channels_; ++c)
      for (int r = 0; r < height; ++r, to += width) {
        const int row = r + top;
        if (row < 0 || row >= stored_.height) {
          std::fill(to, to + width, T(0));
          continue;
        }
        std::fill(to, to + first, T(0));
        std::fill(to + last, to + width, T(0));
        const std::ptrdiff_t at = (std::ptrdiff_t(c) * stored_.height + row) * stored_.width + left;
        if (mean)
          for (int q = first; q < last; ++q) to[q] = (T(from[at + q]) - T(mean[at + q])) * scale;
        else
          for (int q = first; q < last; ++q) to[q] = T(from[at + q]) * scale;
        if (pick.mirror) std::reverse(to, to + width);
      }
  }
  static std::string text(int c, int h, int w) {
    return std::to_string(c) + "x" + std::to_string(h) + "x" + std::to_string(w);
  }

  int channels_ = 0;
  Size stored_ = 0, shown_ = 0;
  std::size_t size_ = 0;
  std::span<const std::uint8_t> bytes_;
  std::span<const float> floats_;
  float scale_ = 1;
  std::vector<int> labels_;
  std::span<const float> targets_;
  std::shared_ptr<const void> owner_, targets_owner_;
  std::shared_ptr<const std::vector<float>> mean_;
};

/// The mean of all images as they are stored, a value per pixel and in the pixels' own unit.
inline std::vector<float> mean_image(const Dataset& data) {
  std::vector<double> sums(data.stored_size());
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
