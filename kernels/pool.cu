#include "dropnet/core/pool_span.hpp"
#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// Where output number i's window lies in its plane.
struct Place {
  std::size_t plane;
  PoolSpan rows, columns;
  DROPNET_DEVICE Place(const Pooling& at, std::uint32_t i)
      : plane(std::size_t(i / unsigned(at.out_width * at.out_height)) * unsigned(at.height * at.width)),
        rows(int(i / unsigned(at.out_width) % unsigned(at.out_height)), at.kernel.height, at.stride.height, at.pad.height, at.height),
        columns(int(i % unsigned(at.out_width)), at.kernel.width, at.stride.width, at.pad.width, at.width) {}
};

/// The windows that hold input number i: rows first .. last, columns likewise, of its plane's outputs.
struct Holders {
  std::size_t outputs;
  int row, column, first_row, last_row, first_column, last_column;
  DROPNET_DEVICE Holders(const Pooling& at, std::uint32_t i)
      : outputs(std::size_t(i / unsigned(at.width * at.height)) * unsigned(at.out_height * at.out_width)),
        row(int(i / unsigned(at.width) % unsigned(at.height))),
        column(int(i % unsigned(at.width))),
        first_row(first(row, at.kernel.height, at.stride.height, at.pad.height)),
        last_row(last(row, at.stride.height, at.pad.height, at.out_height)),
        first_column(first(column, at.kernel.width, at.stride.width, at.pad.width)),
        last_column(last(column, at.stride.width, at.pad.width, at.out_width)) {}

 private:
  DROPNET_DEVICE static int first(int i, int kernel, int stride, int pad) {
    const int after = i + pad - kernel;
    return after < 0 ? 0 : after / stride + 1;
  }
  DROPNET_DEVICE static int last(int i, int stride, int pad, int outputs) {
    const int o = (i + pad) / stride;
    return o < outputs ? o : outputs - 1;
  }
};

struct MaxForward {
  Pooling at;
  const float* x;
  float* y;
  Index* indices;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Place place(at, i);
    const float* plane = x + place.plane;
    int best = place.rows.begin * at.width + place.columns.begin;
    float value = plane[best];
    for (int r = place.rows.begin; r < place.rows.end; ++r)
      for (int q = place.columns.begin; q < place.columns.end; ++q) {
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
struct MaxBackward {
  Pooling at;
  const float* dy;
  const Index* indices;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Holders from(at, i);
    const int mine = from.row * at.width + from.column;
    float sum = 0;
    for (int r = from.first_row; r <= from.last_row; ++r)
      for (int q = from.first_column; q <= from.last_column; ++q) {
        const std::size_t o = from.outputs + unsigned(r * at.out_width + q);
        if (indices[o] == mine) sum += dy[o];
      }
    dx[i] = add ? dx[i] + sum : sum;
  }
};

/// The same where windows lie side by side and each input is in one: a window writes its inputs.
struct ApartBackward {
  Pooling at;
  const float* dy;
  const Index* indices;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Place place(at, i);
    const float d = dy[i];
    const int won = int(indices[i]);
    for (int r = place.rows.begin; r < place.rows.end; ++r)
      for (int q = place.columns.begin; q < place.columns.end; ++q) {
        const int at_input = r * at.width + q;
        float& to = dx[place.plane + unsigned(at_input)];
        const float mine = at_input == won ? d : 0;
        to = add ? to + mine : mine;
      }
  }
};

struct AverageForward {
  Pooling at;
  const float* x;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Place place(at, i);
    float sum = 0;
    for (int r = place.rows.begin; r < place.rows.end; ++r)
      for (int q = place.columns.begin; q < place.columns.end; ++q) sum += x[place.plane + unsigned(r * at.width + q)];
    y[i] = sum / float(place.rows.count * place.columns.count);
  }
};

struct AverageBackward {
  Pooling at;
  const float* dy;
  float* dx;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const Holders from(at, i);
    float sum = 0;
    for (int r = from.first_row; r <= from.last_row; ++r) {
      const int rows = PoolSpan(r, at.kernel.height, at.stride.height, at.pad.height, at.height).count;
      for (int q = from.first_column; q <= from.last_column; ++q) {
        const int columns = PoolSpan(q, at.kernel.width, at.stride.width, at.pad.width, at.width).count;
        sum += dy[from.outputs + unsigned(r * at.out_width + q)] / float(rows * columns);
      }
    }
    dx[i] = add ? dx[i] + sum : sum;
  }
};

std::size_t inputs(const Pooling& at) { return std::size_t(at.planes) * unsigned(at.height * at.width); }
std::size_t outputs(const Pooling& at) { return std::size_t(at.planes) * unsigned(at.out_height * at.out_width); }

}  // namespace

void max_pool_forward(Stream s, const Pooling& at, const float* x, float* y, Index* indices) { each(s, outputs(at), MaxForward{at, x, y, indices}); }
void max_pool_backward(Stream s, const Pooling& at, const float* dy, const Index* indices, float* dx, bool add) {
  const auto covers = [](int outputs, int kernel, int stride, int pad, int size) { return kernel == stride && pad == 0 && outputs * stride >= size; };
  if (covers(at.out_height, at.kernel.height, at.stride.height, at.pad.height, at.height) &&
      covers(at.out_width, at.kernel.width, at.stride.width, at.pad.width, at.width))
    each(s, outputs(at), ApartBackward{at, dy, indices, dx, add});
  else
    each(s, inputs(at), MaxBackward{at, dy, indices, dx, add});
}
void average_pool_forward(Stream s, const Pooling& at, const float* x, float* y) { each(s, outputs(at), AverageForward{at, x, y}); }
void average_pool_backward(Stream s, const Pooling& at, const float* dy, float* dx, bool add) { each(s, inputs(at), AverageBackward{at, dy, dx, add}); }

}  // namespace dropnet::kernels
