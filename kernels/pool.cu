#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Forward {
  Pooling at;
  const float* x;
  float* y;
  Index* indices;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const int column = int(i % unsigned(at.out_width)), row = int(i / unsigned(at.out_width) % unsigned(at.out_height));
    const float* plane = x + std::size_t(i / unsigned(at.out_width * at.out_height)) * unsigned(at.height * at.width);
    const int top = row * at.stride - at.pad, left = column * at.stride - at.pad;
    const int r0 = top > 0 ? top : 0, q0 = left > 0 ? left : 0;
    const int r1 = top + at.kernel < at.height ? top + at.kernel : at.height;
    const int q1 = left + at.kernel < at.width ? left + at.kernel : at.width;
    int best = r0 * at.width + q0;
    float value = plane[best];
    for (int r = r0; r < r1; ++r)
      for (int q = q0; q < q1; ++q) {
        const float candidate = plane[r * at.width + q];
        if (candidate > value) {
          value = candidate;
          best = r * at.width + q;
        }
      }
    y[i] = value;
    indices[i] = Index(best);
  }
};

/// Gathers, for each input, from the windows that it lies in and has won: no two threads write one place.
struct Backward {
  Pooling at;
  const float* dy;
  const Index* indices;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const int column = int(i % unsigned(at.width)), row = int(i / unsigned(at.width) % unsigned(at.height));
    const std::size_t plane = std::size_t(i / unsigned(at.width * at.height)) * unsigned(at.out_height * at.out_width);
    const int mine = row * at.width + column;
    float sum = 0;
    for (int r = first(row); r <= last(row, at.out_height); ++r)
      for (int q = first(column); q <= last(column, at.out_width); ++q) {
        const std::size_t o = plane + unsigned(r * at.out_width + q);
        if (indices[o] == mine) sum += dy[o];
      }
    dx[i] = add ? dx[i] + sum : sum;
  }

 private:
  /// The first and last window along one side that holds position i.
  DROPNET_DEVICE int first(int i) const {
    const int after = i + at.pad - at.kernel;
    return after < 0 ? 0 : after / at.stride + 1;
  }
  DROPNET_DEVICE int last(int i, int outputs) const {
    const int o = (i + at.pad) / at.stride;
    return o < outputs ? o : outputs - 1;
  }
};

}  // namespace

void max_pool_forward(Stream s, const Pooling& at, const float* x, float* y, Index* indices) {
  each(s, std::size_t(at.planes) * unsigned(at.out_height * at.out_width), Forward{at, x, y, indices});
}
void max_pool_backward(Stream s, const Pooling& at, const float* dy, const Index* indices, float* dx, bool add) {
  each(s, std::size_t(at.planes) * unsigned(at.height * at.width), Backward{at, dy, indices, dx, add});
}

}  // namespace dropnet::kernels
