#include "dropnet/core/interpolate.hpp"
#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Forward {
  Planes in, out;
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const int column = int(i % unsigned(out.width)), row = int(i / unsigned(out.width) % unsigned(out.height));
    const std::uint32_t plane = i / unsigned(out.width * out.height);
    const int c = int(plane % unsigned(out.channels));
    if (c >= in.channels) {
      y[i] = 0;
      return;
    }
    const float* from = x + (std::size_t(plane / unsigned(out.channels)) * unsigned(in.channels) + unsigned(c)) * unsigned(in.height * in.width);
    const Interpolate r = interpolate(row, out.height, in.height), q = interpolate(column, out.width, in.width);
    const float rw = float(r.weight), qw = float(q.weight);
    const float low = (1 - qw) * from[r.low * in.width + q.low] + qw * from[r.low * in.width + q.high];
    const float high = (1 - qw) * from[r.high * in.width + q.low] + qw * from[r.high * in.width + q.high];
    y[i] = (1 - rw) * low + rw * high;
  }
};

/// The outputs that may read input i along one side, and what each takes of it.
struct Readers {
  int i, outputs, inputs;
  DROPNET_DEVICE int first() const { return i == 0 ? 0 : bounded(((i - 0.5) * outputs) / inputs - 1.5); }
  DROPNET_DEVICE int last() const { return i == inputs - 1 ? outputs - 1 : bounded(((i + 1.5) * outputs) / inputs + 0.5); }
  DROPNET_DEVICE float weight(int o) const {
    const Interpolate at = interpolate(o, outputs, inputs);
    return float((at.low == i ? 1 - at.weight : 0) + (at.high == i ? at.weight : 0));
  }

 private:
  DROPNET_DEVICE int bounded(double o) const { return o < 0 ? 0 : o > outputs - 1 ? outputs - 1 : int(o); }
};

struct Backward {
  Planes in, out;
  const float* dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const int column = int(i % unsigned(in.width)), row = int(i / unsigned(in.width) % unsigned(in.height));
    const std::uint32_t plane = i / unsigned(in.width * in.height);
    const int c = int(plane % unsigned(in.channels));
    float sum = 0;
    if (c < out.channels) {
      const float* from = dy + (std::size_t(plane / unsigned(in.channels)) * unsigned(out.channels) + unsigned(c)) * unsigned(out.height * out.width);
      const Readers rows{row, out.height, in.height}, columns{column, out.width, in.width};
      for (int r = rows.first(); r <= rows.last(); ++r) {
        const float rw = rows.weight(r);
        for (int q = columns.first(); q <= columns.last(); ++q) sum += rw * columns.weight(q) * from[r * out.width + q];
      }
    }
    dx[i] = add ? dx[i] + sum : sum;
  }
};

std::size_t size(int batch, Planes p) { return std::size_t(batch) * unsigned(p.channels) * unsigned(p.height) * unsigned(p.width); }

}  // namespace

void resize_forward(Stream s, int batch, Planes in, Planes out, const float* x, float* y) { each(s, size(batch, out), Forward{in, out, x, y}); }
void resize_backward(Stream s, int batch, Planes in, Planes out, const float* dy, float* dx, bool add) {
  each(s, size(batch, in), Backward{in, out, dy, dx, add});
}

}  // namespace dropnet::kernels
