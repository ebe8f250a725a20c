#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Load {
  Images images;
  const std::uint32_t* picks;
  float* x;
  int* labels;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const std::uint32_t n = i / std::uint32_t(images.image_size), k = i % std::uint32_t(images.image_size);
    const std::size_t from = picks[n] * images.image_size + k;
    x[i] = images.bytes ? float(images.bytes[from]) * images.scale : images.floats[from];
    if (k == 0) labels[n] = images.labels[picks[n]];
  }
};

}  // namespace

void load_images(Stream s, const Images& images, const std::uint32_t* picks, int batch, float* x, int* labels) {
  each(s, std::size_t(batch) * images.image_size, Load{images, picks, x, labels});
}

}  // namespace dropnet::kernels
