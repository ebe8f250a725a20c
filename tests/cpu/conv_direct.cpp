// The direct kernels and those by patches, whichever a window would get: against the Reference in double, over strides,
// dilations, paddings and groups, with channels behind a site left out.

#include <dropnet/reference.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

/// Where a backend's buffers lie too: how Eigen sums depends on it.
template <class T>
using Values = std::vector<T, Eigen::aligned_allocator<T>>;

template <class W, class T>
struct Tensors {
  using In = typename W::in;
  using Out = typename W::out;
  int batch, from;
  bool add;
  Values<T> x, dx, w, dw, b, db, y, dy;

  Tensors(int batch_, int from_, bool add_) : batch(batch_), from(from_), add(add_) {
    const auto values = [](std::size_t count, int seed) {
      const auto v = test::random_values<float>(count, seed);
      return Values<T>(v.begin(), v.end());
    };
    const auto written = [&](std::size_t count, int seed) { return add ? values(count, seed) : Values<T>(count, T(test::nan)); };
    const std::size_t n = std::size_t(batch), inputs = n * In::size, outputs = n * Out::size, filters = Out::channels;
    x = values(inputs, 1), w = values(W::weights, 2), b = values(filters, 3), dy = values(outputs, 4);
    unwanted(dy, T(0));
    dx = written(inputs, 5), dw = written(W::weights, 6), db = written(filters, 7), y.assign(outputs, T(test::nan));
  }
  /// Channels before `from` become this value.
  void unwanted(Values<T>& of, T value) const {
    for (std::size_t i = 0; i < of.size(); ++i)
      if (int(i % Out::size / Out::plane) < from) of[i] = value;
  }
  Blob<T, In> in() { return {x.data(), dx.data(), batch, add, 0}; }
  Blob<T, Out> out() { return {y.data(), dy.data(), batch, false, from}; }
  Weight<T> weights() { return {w.data(), dw.data(), add}; }
  Weight<T> biases() { return {b.data(), db.data(), add}; }
};

template <class W, class Kernel, class T>
void check_kernel(double tolerance) {
  const int filters = W::out::channels;
  for (const int from : test::cases({0, filters / 2, filters - 1, filters}, {filters / 2}))
    for (const bool add : {false, true}) {
      CAPTURE(Kernel::name);
      CAPTURE(from);
      CAPTURE(add);
      Tensors<W, double> right(11, from, add);
      Reference reference;
      conv_forward(reference, W{}, right.in(), right.weights(), right.biases(), right.out());
      conv_backward(reference, W{}, right.in(), right.weights(), right.biases(), right.out());
      right.unwanted(right.y, 0);
      std::vector<Values<T>> first;
      for (const int threads : test::cases({1, 2, 3}, {2})) {
        Tensors<W, T> found(11, from, add);
        found.unwanted(found.dy, T(test::nan));
        Cpu cpu(threads, 0);
        Kernel::forward(cpu, found.in(), found.weights(), found.biases(), found.out(), detail::no_least<T>);
        Kernel::backward_weights(cpu, found.in(), found.weights(), found.biases(), found.out());
        Kernel::backward_data(cpu, found.in(), found.weights(), found.out());
        found.unwanted(found.y, T(0));  // left open
        const std::vector<Values<T>> all{found.y, found.dx, found.dw, found.db};
        if (!first.empty()) {
          CHECK(all == first);  // to the bit
          continue;
        }
        first = all;
        CHECK(test::distance(found.y, right.y) < tolerance);
        CHECK(test::distance(found.dx, right.dx) < tolerance);
        CHECK(test::distance(found.dw, right.dw) < tolerance);
        CHECK(test::distance(found.db, right.db) < tolerance);
      }
    }
}

template <class In, class Layer>
struct Case {
  using W = typename Layer::template window<In>;
};

}  // namespace

TEST_CASE_TEMPLATE("direct and patches: windows of all kinds", C, Case<Image<2, 7, 9>, Conv<3, 3, Pad<1>>>, Case<Image<3, 8, 7>, Conv<2, 3, Stride<2>, Pad<1>>>,
                   Case<Image<1, 9, 10>, Conv<1, 2, Stride<3>>>, Case<Image<2, 11, 8>, Conv<6, Size{3, 5}, Stride<2, 1>, Pad<0, 3>>>,
                   Case<Image<3, 9, 11>, Conv<7, 3, Dilation<2>, Pad<2>>>, Case<Image<2, 9, 12>, Conv<4, Size{3, 2}, Dilation<1, 3>, Stride<3, 1>, Pad<4, 1>>>,
                   Case<Image<4, 13, 13>, Conv<9, 5, Stride<4>, Pad<2>>>, Case<Image<2, 3, 3>, Conv<3, 3, Stride<2>, Pad<3>>>,
                   Case<Image<6, 8, 8>, Conv<6, 3, Stride<2>, Pad<1>, Groups<6>>>, Case<Image<4, 7, 6>, Conv<12, 3, Pad<1>, Groups<4>>>,
                   Case<Image<6, 9, 9>, Conv<4, Size{3, 2}, Groups<2>, Dilation<2>>>) {
  using W = typename C::W;
  check_kernel<W, detail::DirectConv<W, double>, double>(1e-12);
  check_kernel<W, detail::DirectConv<W, float>, float>(1e-5);
  check_kernel<W, detail::ByGroups<W, double, detail::PatchConv>, double>(1e-12);
  check_kernel<W, detail::ByGroups<W, float, detail::PatchConv>, float>(1e-5);
}
