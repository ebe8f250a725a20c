// The kernels on tensor cores, whatever the tile, against sums in double; all that is unwritten is NaN.

#include <algorithm>
#include <cstdlib>
#include <dropnet/cuda.hpp>

#include "../../kernels/quotient.hpp"
#include "../support/check.hpp"

using namespace dropnet;

namespace {

constexpr double tolerance = 1e-5;
constexpr std::size_t all = 1u << 20;

std::vector<float> values(std::size_t count, int seed) {
  const auto v = test::random_values<float>(count, seed);
  return std::vector<float>(v.begin(), v.end());
}
std::vector<float> nothing(std::size_t count) { return std::vector<float>(count, float(test::nan)); }
auto on_device(Cuda& gpu, const std::vector<float>& v) {
  auto buffer = gpu.buffer<float>(v.size());
  buffer.upload(0, v);
  return buffer;
}
template <class Buffer>
std::vector<float> on_host(Cuda& gpu, Buffer& buffer) {
  std::vector<float> v(buffer.size());
  gpu.wait();
  buffer.download(0, v);
  return v;
}

/// Some of all, from the most to the least promising: $DROPNET_TEST_TILES of them, for a tool under which each takes long.
template <class Tile>
std::vector<Tile> some(std::vector<Tile> tiles) {
  static const char* const wanted = std::getenv("DROPNET_TEST_TILES");
  static const std::size_t most = wanted ? std::max(std::size_t{2}, std::size_t(std::atoi(wanted))) : 24;
  REQUIRE(!tiles.empty());
  for (std::size_t i = 0; i < most && tiles.size() > most; ++i) tiles[i] = tiles[i * (tiles.size() - 1) / (most - 1)];
  tiles.resize(std::min(tiles.size(), most));
  return tiles;
}

template <class Input, class Convolution>
struct Case {
  using In = Input;
  using Layer = Convolution;
};
using Narrow = Image<6, 9, 7>;
using Fours = Image<6, 9, 8>;  // which are copied four at a time

}  // namespace

TEST_CASE_TEMPLATE("dropnet's own convolution kernels, whatever the tile", C, Case<Fours, Conv<7, 3, Pad<1>>>, Case<Narrow, Conv<7, 3, Pad<1>>>,
                   Case<Narrow, Conv<10, 5>>, Case<Narrow, Conv<4, 3, Pad<0, 2>>>, Case<Narrow, Conv<3, 5, Pad<4, 1>>>) {
  using In = typename C::In;
  using Layer = typename C::Layer;
  using Window = typename Layer::template window<In>;
  constexpr int batch = 3;
  const cuda::ConvShape shape = cuda::conv_shape(Window{}, batch);
  const std::size_t outputs = Window::out::size * batch, inputs = In::size * batch, weights = Layer::template weights<In>, filters = Window::out::channels;
  const auto x = values(inputs, 1), w = values(weights, 2), b = values(filters, 3), dy = values(outputs, 4);

  // The reference: what a network of this layer alone computes.
  using Net = Network<Layer, In, Reference, double>;
  Net net;
  const auto wide = [](const std::vector<float>& v) { return std::vector<double>(v.begin(), v.end()); };
  net.write(net.architecture().tensors[0], wide(w));
  net.write(net.architecture().tensors[1], wide(b));
  typename Net::workspace ws(net, batch, Purpose::train);
  ws.input_gradient = true;
  ws.load(wide(x));
  net.forward(ws);
  test::write(ws.diffs(), ws.output().diff, wide(dy));
  const auto y = test::read(ws.activations(), ws.output().data, outputs);
  net.backward(ws);
  const auto dx = test::read(ws.diffs(), ws.input().diff, inputs), dw = test::read(ws.gradients(), ws.gradients().data(), weights),
             db = test::read(ws.gradients(), ws.gradients().data() + padded(weights), filters);

  Cuda gpu;
  const auto device = [&](const std::vector<float>& v) { return on_device(gpu, v); };
  const auto found = [&](auto& buffer) { return on_host(gpu, buffer); };
  const auto x_ = device(x), w_ = device(w), b_ = device(b), dy_ = device(dy);
  for (const auto& kind : {std::pair{false, false}, {true, false}, {false, true}}) {
    const bool add = kind.first, tf32 = kind.second;
    const double allowed = tf32 ? 1e-3 : tolerance;
    const auto before = [&](std::size_t count) { return add ? values(count, 9) : nothing(count); };
    const auto sum = [&](std::vector<double> v) {
      if (add)
        for (std::size_t i = 0; i < v.size(); ++i) v[i] += double(values(v.size(), 9)[i]);
      return v;
    };
    const auto forward = *cuda::own({cuda::ConvKind::forward, shape, false, tf32}), data = *cuda::own({cuda::ConvKind::backward_data, shape, add, tf32}),
               gradient = *cuda::own({cuda::ConvKind::backward_weights, shape, add, tf32});
    if (!add)
      for (const auto& tile : some(cuda::forward_tiles(forward, gpu.chip(), all))) {
        auto y_ = device(nothing(outputs));
        kernels::conv_forward(gpu.stream(), forward, tile, x_.data(), w_.data(), b_.data(), y_.data());
        CHECK(test::distance(found(y_), y) < allowed);
      }
    const auto dx_sum = sum(dx), dw_sum = sum(dw), db_sum = sum(db);
    for (const auto& tile : some(cuda::forward_tiles(data, gpu.chip(), all))) {
      auto dx_ = device(before(inputs));
      kernels::conv_forward(gpu.stream(), data, tile, dy_.data(), w_.data(), nullptr, dx_.data());
      CHECK(test::distance(found(dx_), dx_sum) < allowed);
    }
    for (const auto& tile : some(cuda::weight_gradient_tiles(gradient, gpu.chip(), all))) {
      auto dw_ = device(before(weights)), db_ = device(before(filters)), parts = device(nothing(kernels::conv_parts(gradient, tile)));
      kernels::conv_weight_gradient(gpu.stream(), gradient, tile, x_.data(), dy_.data(), dw_.data(), db_.data(), parts.data());
      CHECK(test::distance(found(dw_), dw_sum) < allowed);
      CHECK(test::distance(found(db_), db_sum) < allowed);
    }
  }
}

TEST_CASE("division by a multiplication, up to the largest product") {
  constexpr std::int64_t below = std::int64_t{1} << 31;
  for (const std::int64_t d : {1, 2, 3, 5, 7, 8, 25, 28, 31, 32, 33, 255, 256, 1000, 32768, 46340, 46341, 65535, 1 << 20, 1 << 30}) {
    const kernels::Quotient quotient{int(d)};
    const std::int64_t most = (below - 1) / d;
    for (const std::int64_t n : {std::int64_t{0}, std::int64_t{1}, d - 1, d, d + 1, 2 * d - 1, most / d * d - 1, most / d * d, most - 1, most})
      if (n >= 0 && n <= most) CHECK(quotient(int(n)) == n / d);
  }
}

TEST_CASE("no tile makes more blocks than kernels can number") {
  Cuda gpu;
  constexpr int batch = 1 << 20;
  const kernels::Convolution at{batch, 8, 64, 64, 64, 64, 64, 3, 1, 1, false, false, false, false};
  const auto tiles = cuda::forward_tiles(at, gpu.chip(), all);
  CHECK(!tiles.empty());
  for (const auto& tile : tiles) {
    const std::int64_t of_image = kernels::ceil_div(64, tile.rows) * kernels::ceil_div(64, 8 * tile.n);
    CHECK(batch * of_image * of_image < std::int64_t{1} << 31);
  }
  const kernels::Convolution larger{1 << 23, 8, 64, 64, 64, 64, 64, 3, 1, 1, false, false, false, false};
  CHECK(cuda::weight_gradient_tiles(larger, gpu.chip(), all).empty());
}

TEST_CASE("products of matrices, as they are and transposed, whatever the tile") {
  struct Sizes {
    int rows, columns, terms;
  };
  Cuda gpu;
  for (const Sizes& size : {Sizes{1, 1, 1}, {3, 10, 50}, {70, 33, 27}, {20, 64, 100}, {64, 40, 36}}) {
    const int rows = size.rows, columns = size.columns, terms = size.terms;
    CAPTURE(rows);
    const auto a = values(std::size_t(rows * terms), 1), b = values(std::size_t(terms * columns), 2), bias = values(std::size_t(columns), 3),
               before = values(std::size_t(rows * columns), 4), sums_before = values(std::size_t(rows), 5);
    const auto a_ = on_device(gpu, a), b_ = on_device(gpu, b), bias_ = on_device(gpu, bias);
    for (const auto which : {kernels::Operands::nn, kernels::Operands::nt, kernels::Operands::tn})
      for (const auto& kind : {std::pair{false, false}, {true, false}, {false, true}}) {
        const bool add = kind.first, tf32 = kind.second, forward = which == kernels::Operands::nt, sums = which == kernels::Operands::tn;
        std::vector<double> c(std::size_t(rows * columns)), row_sums(static_cast<std::size_t>(rows));
        for (int i = 0; i < rows; ++i) {
          const auto a_at = [&](int k) { return double(a[std::size_t(sums ? k * rows + i : i * terms + k)]); };
          double& row_sum = row_sums[std::size_t(i)];
          row_sum = add ? double(sums_before[std::size_t(i)]) : 0;
          for (int k = 0; k < terms; ++k) row_sum += a_at(k);
          for (int j = 0; j < columns; ++j) {
            double sum = forward ? double(bias[std::size_t(j)]) : 0;
            for (int k = 0; k < terms; ++k) sum += a_at(k) * double(b[std::size_t(forward ? j * terms + k : k * columns + j)]);
            if (forward && sum < 0) sum = 0;
            c[std::size_t(i * columns + j)] = sum + (add ? double(before[std::size_t(i * columns + j)]) : 0);
          }
        }
        const kernels::Gemm at{which, rows, columns, terms, add, forward, sums, tf32};
        for (const auto& tile : some(cuda::gemm_tiles(at, gpu.chip(), all))) {
          auto c_ = on_device(gpu, add ? before : nothing(c.size())), sums_ = on_device(gpu, add ? sums_before : nothing(row_sums.size()));
          kernels::gemm(gpu.stream(), at, tile, a_.data(), b_.data(), forward ? bias_.data() : nullptr, c_.data(), sums ? sums_.data() : nullptr);
          CHECK(test::distance(on_host(gpu, c_), c) < (tf32 ? 1e-3 : tolerance));
          if (sums) CHECK(test::distance(on_host(gpu, sums_), row_sums) < (tf32 ? 1e-3 : tolerance));
        }
      }
  }
}
