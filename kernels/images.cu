#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Load {
  Images images;
  const Pick* picks;
  float* x;
  int* labels;
  float* targets;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const std::uint32_t n = i / std::uint32_t(images.image_size), k = i % std::uint32_t(images.image_size);
    const Pick pick = picks[n];
    if (k == 0 && images.labels) labels[n] = images.labels[pick.image];
    // A target may have more values than an image has pixels.
    for (std::uint32_t t = k; t < images.target_size; t += std::uint32_t(images.image_size))
      targets[std::size_t(n) * images.target_size + t] = images.targets[std::size_t(pick.image) * images.target_size + t];
    const Size shown = images.shown, stored = images.stored;
    const int q = int(k) % shown.width, lines = int(k) / shown.width, r = lines % shown.height, c = lines / shown.height;
    const int row = images.origin.height + pick.row + r, column = images.origin.width + pick.column + (pick.mirror ? shown.width - 1 - q : q);
    x[i] = row < 0 || row >= stored.height || column < 0 || column >= stored.width ? 0 : value(pick.image, (c * stored.height + row) * stored.width + column);
  }
  DROPNET_DEVICE float value(std::uint32_t image, int at) const {
    const std::size_t from = image * images.stored_size + std::size_t(at);
    const float pixel = images.bytes ? float(images.bytes[from]) : images.floats[from];
    return (images.mean ? pixel - images.mean[at] : pixel) * images.scale;
  }
};

}  // namespace

void load_images(Stream s, const Images& images, const Pick* picks, int batch, float* x, int* labels, float* targets) {
  each(s, std::size_t(batch) * images.image_size, Load{images, picks, x, labels, targets});
}

}  // namespace dropnet::kernels
