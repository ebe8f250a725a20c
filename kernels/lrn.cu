#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// Calls visit(j) for each unit j of i's window, in one order.
template <class Visit>
DROPNET_DEVICE void each_neighbour(const Lrn& at, std::uint32_t i, Visit visit) {
  const int height = at.shape.height, width = at.shape.width, channels = at.shape.channels;
  if (at.across) {
    const int plane = height * width, c = int(i / unsigned(plane) % unsigned(channels));
    const int first = c > at.half ? -at.half : -c, last = c + at.half < channels ? at.half : channels - 1 - c;
    for (int d = first; d <= last; ++d) visit(i + std::uint32_t(d * plane));
  } else {
    const int row = int(i / unsigned(width) % unsigned(height)), column = int(i % unsigned(width));
    for (int r = -at.half; r <= at.half; ++r)
      for (int q = -at.half; q <= at.half; ++q)
        if (row + r >= 0 && row + r < height && column + q >= 0 && column + q < width) visit(i + std::uint32_t(r * width + q));
  }
}

struct Squares {
  const float* x;
  float& sum;
  DROPNET_DEVICE void operator()(std::uint32_t j) const { sum += x[j] * x[j]; }
};

/// scale^-beta of scale^(-1/4): a power for each neighbour would be most of the work, and all recipes have 0.75.
DROPNET_DEVICE inline float norm(float root, float beta) { return beta == 0.75f ? root * root * root : std::pow(root, 4 * beta); }

struct Forward {
  Lrn at;
  const float* x;
  float *roots, *y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    float sum = 0;
    each_neighbour(at, i, Squares{x, sum});
    const float root = 1 / std::sqrt(std::sqrt(at.k + at.share * sum));
    roots[i] = root;
    y[i] = x[i] * norm(root, at.beta);
  }
};

struct Ratios {
  const float *x, *roots, *dy;
  float beta;
  float& sum;
  DROPNET_DEVICE void operator()(std::uint32_t j) const {
    const float root = roots[j], square = root * root;
    sum += dy[j] * x[j] * (norm(root, beta) * (square * square));
  }
};
struct Backward {
  Lrn at;
  const float *x, *roots, *dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    float sum = 0;
    each_neighbour(at, i, Ratios{x, roots, dy, at.beta, sum});
    const float d = dy[i] * norm(roots[i], at.beta) - 2 * at.beta * at.share * x[i] * sum;
    dx[i] = add ? dx[i] + d : d;
  }
};

std::size_t size(const Lrn& at, int batch) {
  return std::size_t(batch) * unsigned(at.shape.channels) * unsigned(at.shape.height) * unsigned(at.shape.width);
}

}  // namespace

void lrn_forward(Stream s, const Lrn& at, int batch, const float* x, float* roots, float* y) { each(s, size(at, batch), Forward{at, x, roots, y}); }
void lrn_backward(Stream s, const Lrn& at, int batch, const float* x, const float* roots, const float* dy, float* dx, bool add) {
  each(s, size(at, batch), Backward{at, x, roots, dy, dx, add});
}

}  // namespace dropnet::kernels
