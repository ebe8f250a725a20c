// Kernels that a convolution gets where it is large, strided or dilated, called for windows that would get simpler ones: beside the
// Reference in double, the same bytes on any number of threads.

#include <dropnet/reference.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

/// `from`: filters before it are not wanted, and passed over in backward. `add`: gradients are added to what is there.
template <template <class, class> class Kernel, class Layer, class In, class T>
void check(int batch, int from, bool add) {
  using W = typename Layer::template window<In>;
  using Out = typename W::out;
  using Conv = Kernel<W, T>;
  INFO(std::string(Conv::name), ", batch ", batch, ", from ", from, ", add ", add);
  const auto x = test::random_values<T>(std::size_t(batch) * In::size, 1), w = test::random_values<T>(W::weights, 2), b = test::random_values<T>(std::size_t(Out::channels), 3);
  auto dy = test::random_values<T>(std::size_t(batch) * Out::size, 4);
  const auto unwanted = [&](auto& of, auto value) {
    for (int n = 0; n < batch; ++n) std::fill_n(of.begin() + n * std::ptrdiff_t(Out::size), std::size_t(from) * Out::plane, value);
  };
  unwanted(dy, T(test::nan));
  const auto poisoned = [&](std::size_t count, int seed) { return add ? test::random_values<T>(count, seed) : std::vector<T>(count, T(test::nan)); };
  const auto dx0 = poisoned(x.size(), 5), dw0 = poisoned(w.size(), 6), db0 = poisoned(b.size(), 7);
  const T least = T(-0.25);

  // The Reference adds nothing, and knows no ReLU at another value.
  const auto doubled = [](const std::vector<T>& v) { return std::vector<double>(v.begin(), v.end()); };
  auto xd = doubled(x), wd = doubled(w), bd = doubled(b), yd = std::vector<double>(dy.size()), dyd = doubled(dy), dxd = std::vector<double>(x.size()),
       dwd = std::vector<double>(w.size()), dbd = std::vector<double>(b.size());
  unwanted(dyd, 0.0);
  Reference reference;
  const Blob<double, In> xr{xd.data(), dxd.data(), batch};
  const Blob<double, Out> yr{yd.data(), dyd.data(), batch};
  const Weight<double> wr{wd.data(), dwd.data()}, br{bd.data(), dbd.data()};
  conv_forward(reference, W{}, xr, wr, br, yr);
  conv_backward(reference, W{}, xr, wr, br, yr);
  for (double& v : yd) v = std::max(v, double(least));
  unwanted(yd, 0.0);
  const auto plus = [&](std::vector<double>& to, const std::vector<T>& before) {
    for (std::size_t i = 0; add && i < to.size(); ++i) to[i] += double(before[i]);
  };
  plus(dxd, dx0);
  plus(dwd, dw0);
  plus(dbd, db0);

  std::vector<T> first;
  for (const int threads : test::cases({1, 2, 3}, {2})) {
    Cpu cpu(threads, 0);
    auto y = std::vector<T>(dy.size(), T(test::nan)), dx = dx0, dw = dw0, db = db0;
    const Blob<T, In> in{const_cast<T*>(x.data()), dx.data(), batch, add};
    const Blob<T, Out> out{y.data(), dy.data(), batch, false, from};
    const Weight<T> weights{w.data(), dw.data(), add}, biases{b.data(), db.data(), add};
    Conv::forward(cpu, in, weights, biases, out, least);
    Conv::backward_weights(cpu, in, weights, biases, out);
    Conv::backward_data(cpu, in, weights, out);
    unwanted(y, T(0));  // left open
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-12;
    CHECK(test::distance(y, yd) < tolerance);
    CHECK(test::distance(dx, dxd) < tolerance);
    CHECK(test::distance(dw, dwd) < tolerance);
    CHECK(test::distance(db, dbd) < tolerance);
    for (const auto* more : {&dx, &dw, &db}) y.insert(y.end(), more->begin(), more->end());
    if (first.empty()) first = y;
    CHECK(y == first);
  }
}

/// Batches that fill registers and such that do not, more than are gone through at a time; all of the filters, some and none.
template <template <class, class> class Kernel, class Layer, class In, class T = double>
void check() {
  constexpr int filters = Layer::output(In{}).channels;
  for (const int batch : test::cases({1, 5, 35}, {35}))
    for (const int from : test::cases({0, filters / 2, filters}, {0, filters / 2})) check<Kernel, Layer, In, T>(batch, from, (from > 0) != (batch == 5));
}

}  // namespace

TEST_CASE("by tiles, channels or filters in the lanes of the gradients' sums") {
  for (int from = 0; from <= 20; from += DROPNET_LIGHT ? 7 : 1) check<detail::WinogradConv, Conv<20, 3, Pad<1>>, Image<20, 6, 7>, float>(17, from, from % 2);
  check<detail::WinogradConv, Conv<20, 3, Pad<1>>, Image<20, 13, 10>, float>();
  check<detail::WinogradConv, Conv<32, 5, Pad<2>>, Image<17, 6, 7>, float>();
  check<detail::WinogradConv, Conv<8, 4>, Image<5, 9, 8>>();
  check<detail::WinogradConv, Conv<5, 3, Pad<2>>, Image<9, 4, 5>>();
}
TEST_CASE("large kernels, in parts of 4x4 taps") {
  check<detail::LargeConv, Conv<3, 11, Pad<5>>, Image<2, 13, 10>>();
  check<detail::LargeConv, Conv<2, 8, Pad<7>>, Image<3, 5, 6>>();
  check<detail::LargeConv, Conv<3, Size{3, 9}, Pad<2, 1>>, Image<2, 7, 19>>();
  check<detail::LargeConv, Conv<9, 7>, Image<5, 9, 8>, float>();
}
TEST_CASE("strided kernels, by phases as channels") {
  check<detail::StridedConv, Conv<5, 5, Stride<2>, Pad<2>>, Image<3, 10, 9>>();
  check<detail::StridedConv, Conv<3, 7, Stride<3>, Pad<5>>, Image<2, 6, 5>>();
  check<detail::StridedConv, Conv<2, 8, Stride<3>>, Image<2, 13, 12>>();  // pixels at the end that no output sees
  check<detail::StridedConv, Conv<3, 11, Stride<4>>, Image<2, 23, 27>, float>();
}
TEST_CASE("dilated kernels, by phases as samples") {
  check<detail::DilatedConv, Conv<17, 3, Dilation<3>>, Image<5, 8, 11>>();
  check<detail::DilatedConv, Conv<2, 4, Dilation<2>, Pad<7>>, Image<3, 3, 4>>();
  check<detail::DilatedConv, Conv<2, 3, Dilation<7>, Pad<6>>, Image<2, 5, 6>>();
  check<detail::DilatedConv, Conv<3, 5, Dilation<2>, Pad<1>>, Image<2, 12, 10>, float>();
}
TEST_CASE("by count: what the kernels are for, and what they are not for") {
  const auto names = []<class Layer, class In>(Layer, In) {
    using Kernels = detail::ConvKernels<typename Layer::template window<In>, float>;
    return std::string(Kernels::forward::name) + ", " + Kernels::backward_data::name + ", " + Kernels::backward_weights::name;
  };
  CHECK(names(Conv<96, 11, Pad<5>>{}, Image<96, 55, 55>{}) == "winograd in parts, winograd in parts, winograd in parts");
  CHECK(names(Conv<96, 11, Stride<4>>{}, Image<3, 227, 227>{}) == "winograd of phases, winograd of phases, winograd of phases");
  CHECK(names(Conv<64, 3, Dilation<2>, Pad<2>>{}, Image<64, 28, 28>{}) == "winograd of phases, winograd of phases, winograd of phases");
  CHECK(names(Conv<128, 3, Stride<2>, Pad<1>>{}, Image<64, 28, 28>{}) == "patches, patches, patches");
  CHECK(names(Conv<256, 1>{}, Image<64, 28, 28>{}) == "patches, patches, patches");
  CHECK(names(Conv<16, 6>{}, Image<16, 20, 20>{}) == "direct, direct, direct");
}
TEST_CASE("large, strided, dilated: within a network, with groups, behind a site" * doctest::skip(DROPNET_LIGHT)) {
  test::check_values<Conv<96, 11, Stride<4>>, Image<3, 67, 63>, Cpu, float>({}, {}, 3, true, 1e-5);
  test::check_values<Conv<64, 3, Dilation<2>, Pad<2>, Groups<2>>, Image<64, 16, 16>, Cpu, float>({}, {}, 5, true, 1e-5);
  test::check_values<DropIn<ReLU, Sequential<Conv<64, 9, Pad<4>, Groups<2>>, Tanh>>, Image<64, 16, 16>, Cpu, float>({}, {{0.7, Mask::channel}}, 3, true, 1e-5);
}
