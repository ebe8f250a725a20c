#include <bit>
#include <cstdint>

#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("conv: kernels of stride 1") {
  test::check<Image<1, 6, 5>>(Conv<3, 3>{});
  test::check<Image<3, 7, 9>>(Conv<5, 3, Pad<1>>{});
  test::check<Image<2, 12, 12>>(Conv<7, 5>{});
  test::check<Image<2, 8, 8>>(Conv<10, 5, Pad<2>>{});
}
TEST_CASE("conv: odd shapes") {
  test::check<Image<1, 1, 1>>(Conv<1, 1>{});
  test::check<Image<4, 3, 3>>(Conv<2, 1>{});
  test::check<Image<2, 2, 11>>(Conv<3, 2>{});
}
TEST_CASE("conv: shapes that go through patches") {
  test::check<Image<3, 11, 13>>(Conv<4, 5, Stride<4>>{});
  test::check<Image<2, 9, 9>>(Conv<3, 3, Stride<2>, Pad<1>>{});
  test::check<Image<2, 4, 4>>(Conv<3, 4>{});
  test::check<Image<1, 3, 3>>(Conv<2, 3, Pad<3>>{});
  test::check<Image<5, 8, 7>>(Conv<9, 1, Stride<2>>{}, {}, 5);
  test::check<Image<3, 9, 10>>(Conv<5, Size{2, 3}, Stride<3, 4>, Pad<1, 2>>{}, {}, 9);
  test::check<Image<19, 7, 7>>(Conv<20, 1>{}, {}, 18);              // panels of several samples
  test::check_values<Conv<3, 9, Pad<4>>, Image<4, 21, 20>, Cpu, double>({}, {}, 2, true, 1e-12);  // more patches than are made at a time
  test::check<Image<2, 13, 12>>(Conv<3, Size{8, 9}, Pad<7, 8>>{});
}
TEST_CASE("conv: patches behind a site, of which only some channels are computed") {
  for (double p : {0.2, 0.7}) {
    test::check_values<DropIn<ReLU, Sequential<Conv<12, 1>, ReLU>>, Image<12, 6, 5>, Cpu, double>({}, {{p, Mask::channel}}, 6, true, 1e-12);
    test::check_values<DropIn<ReLU, Sequential<Conv<12, 9, Pad<4>>, ReLU>>, Image<12, 6, 5>, Cpu, double>({}, {{p, Mask::channel}}, 6, true, 1e-12);
    test::check_values<DropIn<ReLU, Sequential<Conv<12, 3, Dilation<2>, Pad<2>>, ReLU>>, Image<12, 6, 5>, Cpu, double>({}, {{p, Mask::channel}}, 2, true, 1e-12);
  }
}
TEST_CASE("conv: a batch that is summed in several pieces") {
  test::check<Image<2, 6, 6>>(Conv<3, 3, Pad<1>>{}, {}, 21);
  test::check<Image<1, 5, 4>>(Conv<2, 3>{}, {}, 75);  // pieces of more than eight samples
}

TEST_CASE("conv: planes that fill the nearest cache alone") { test::check<Image<1, 30, 30>>(Conv<5, 3, Pad<1>>{}, {}, 10); }

namespace {
/// Whether the layer's three passes all go through the Winograd kernels.
template <class In, class Layer, class T>
constexpr bool is_winograd = [] {
  using Kernels = detail::ConvKernels<typename Layer::template window<In>, T>;
  using Winograd = detail::WinogradConv<typename Layer::template window<In>, T>;
  return std::is_same_v<typename Kernels::forward, Winograd> && std::is_same_v<typename Kernels::backward_data, Winograd> &&
         std::is_same_v<typename Kernels::backward_weights, Winograd>;
}();

template <class In, class Layer>
void check_winograd(int batch) {
  static_assert(is_winograd<In, Layer, float> && is_winograd<In, Layer, double>);
  test::check_values<Layer, In, Cpu, double>({}, {}, batch, true, 1e-12);
  test::check_values<Layer, In, Cpu, float>({}, {}, batch, true, 1e-5);
  // A site behind which only some channels are computed.
  using Site = DropIn<ReLU, Sequential<Layer, ReLU>>;
  if constexpr (std::is_same_v<decltype(Layer::output(In{})), In>)
    for (double p : {0.2, 0.7}) test::check_values<Site, In, Cpu, double>({}, {{p, Mask::channel}}, batch, true, 1e-12);
}
}  // namespace

TEST_CASE("conv: by tiles (Winograd), 3x3: whole groups of images and what is left, tiles past the edges") {
  test::check<Image<7, 5, 4>>(Conv<7, 3, Pad<1>>{});
  check_winograd<Image<7, 9, 7>, Conv<7, 3, Pad<1>>>(3);
  check_winograd<Image<16, 6, 6>, Conv<16, 3, Pad<1>>>(37);
  check_winograd<Image<12, 10, 11>, Conv<23, 3>>(18);
  check_winograd<Image<18, 5, 8>, Conv<17, 3, Pad<2>>>(9);
}
TEST_CASE("conv: by tiles (Winograd), 4x4") {
  check_winograd<Image<12, 8, 7>, Conv<12, 4, Pad<1>>>(19);
  check_winograd<Image<18, 9, 10>, Conv<17, 4, Pad<3>>>(2);
  check_winograd<Image<33, 6, 6>, Conv<16, 4>>(1);
}
TEST_CASE("conv: by tiles (Winograd), 5x5") {
  check_winograd<Image<10, 8, 7>, Conv<10, 5, Pad<2>>>(19);
  check_winograd<Image<20, 9, 10>, Conv<11, 5>>(2);
}

TEST_CASE("conv: by tiles, fewer than a register has lanes") {
  check_winograd<Image<19, 4, 3>, Conv<19, 3, Pad<1>>>(1);
  check_winograd<Image<19, 4, 3>, Conv<19, 3, Pad<1>>>(2);
  check_winograd<Image<16, 6, 6>, Conv<33, 3, Pad<2>>>(1);
  check_winograd<Image<20, 9, 10>, Conv<40, 5>>(1);
  check_winograd<Image<18, 5, 5>, Conv<18, 5, Pad<2>>>(2);
}

TEST_CASE_TEMPLATE("conv: by tiles, an image's outputs are the same bytes in any batch", Case, std::pair<Image<20, 9, 10>, Conv<11, 5>>,
                   std::pair<Image<19, 4, 3>, DropIn<Identity, Conv<19, 3, Pad<1>>>>, std::pair<Image<20, 12, 12>, Conv<50, 5>>, std::pair<Image<17, 8, 4>, Conv<34, 3, Pad<1>>>) {
  using In = typename Case::first_type;
  Network<typename Case::second_type, In> net;
  for (auto& share : net.shares()) share = {0.6, Mask::channel};
  const auto images = test::random_values<float>(37 * In::size, 1);
  const auto together = net.predict(Tensor<In>(37, images));
  for (const int n : {0, 15, 16, 31, 32, 36}) {
    const auto begin = images.begin() + std::ptrdiff_t(n) * std::ptrdiff_t(In::size);
    const auto alone = net.predict(Tensor<In>(1, std::vector<float>(begin, begin + std::ptrdiff_t(In::size))));
    CHECK(std::ranges::equal(alone.sample(0), together.sample(n)));
  }
}

namespace {
/// A convolution and the ReLU behind it in one give the bytes of one after the other, which a probe asks for.
template <class In, class Spec>
void check_fused(Spec spec, std::vector<Share> shares, int batch) {
  using Net = Network<Spec, In>;
  Net net(spec, Fill{.bias = Gaussian{0.1f}}, Seed{1});
  std::copy(shares.begin(), shares.end(), net.shares().begin());
  auto x = test::random_values<float>(std::size_t(batch) * In::size, 2);
  const auto run = [&](Probe<float>* probe) {
    typename Net::workspace ws(net, batch, Purpose::train);
    test::fill(ws.activations(), test::nan);
    test::fill(ws.diffs(), test::nan);
    ws.input_gradient = true;
    ws.load(x);
    net.forward(ws, {.training = true}, probe);
    auto all = test::read(ws.activations(), ws.output().data, ws.output().size());
    test::write(ws.diffs(), ws.output().diff, test::random_values<float>(ws.output().size(), 3));
    net.backward(ws, probe);
    const auto append = [&](const auto& more) { all.insert(all.end(), more.begin(), more.end()); };
    append(test::read(ws.diffs(), ws.input().diff, x.size()));
    for (const auto& t : net.architecture().tensors)
      if (net.is_open(t.site)) append(test::read(ws.gradients(), ws.gradients().data() + t.offset, t.size));
    std::vector<std::uint32_t> bits;
    for (float v : all) bits.push_back(std::isnan(v) ? 0x7fc00000u : std::bit_cast<std::uint32_t>(v));
    return bits;
  };
  Probe<float> probe;
  CHECK(run(nullptr) == run(&probe));
  x[3] = float(test::nan);
  CHECK(run(nullptr) == run(&probe));
}
}  // namespace

TEST_CASE("conv and ReLU in one: the same bytes, NaN too") {
  check_fused<Image<12, 10, 11>>(Sequential<Conv<23, 3>, ReLU, Conv<11, 5, Pad<2>>, ReLU, Linear<3>>{}, {}, 18);
  check_fused<Image<20, 5, 5>>(Sequential<Conv<20, 3, Pad<1>>, ReLU>{}, {}, 1);
  check_fused<Image<1, 20, 20>>(Sequential<Conv<5, 5>, ReLU, MaxPool<2>, Conv<6, 3, Stride<2>>, ReLU, ReLU>{}, {}, 3);
  using Stack = DropInStack<Sequential<Conv<12, 3>, ReLU>, Sequential<Conv<12, 3, Pad<1>>, ReLU>, 3>;
  check_fused<Image<10, 9, 9>>(Sequential<Stack, ReLU, Linear<3>>{}, {{1}, {0.4, Mask::channel}, {0.6}}, 17);
  check_fused<Image<10, 9, 9>>(Sequential<Stack, ReLU, Linear<3>>{}, {{0.3, Mask::bernoulli}, {0}, {0.5, Mask::bernoulli}}, 17);
}

TEST_CASE("conv: rectangular kernels, strides and pads; dilation; groups") {
  test::check<Image<2, 7, 9>>(Conv<3, Size{2, 3}>{});
  test::check<Image<2, 7, 9>>(Conv<3, Size{1, 5}, Pad<0, 2>>{});
  test::check<Image<2, 8, 9>>(Conv<3, 3, Stride<2, 1>, Pad<1, 0>>{});
  test::check<Image<2, 9, 8>>(Conv<3, 3, Dilation<2>>{});
  test::check<Image<2, 9, 8>>(Conv<3, Size{3, 2}, Dilation<1, 3>, Pad<1>, Stride<1, 2>>{});
  test::check<Image<4, 7, 7>>(Conv<6, 3, Groups<2>>{});
  test::check<Image<6, 6, 5>>(Conv<6, 3, Pad<1>, Groups<6>>{});
  test::check<Image<6, 9, 9>>(Conv<3, Size{3, 2}, Groups<3>, Dilation<2>, Stride<2>, Pad<2, 1>>{});
}

TEST_CASE("conv: groups, each with the kernels of its own size, and behind a site") {
  test::check_values<Conv<40, 3, Pad<1>, Groups<2>>, Image<24, 9, 7>, Cpu, float>({}, {}, 19, true, 1e-5);
  test::check_values<Conv<40, 5, Groups<2>>, Image<40, 8, 7>, Cpu, double>({}, {}, 3, true, 1e-12);
  test::check_values<Conv<8, 3, Pad<1>, Groups<4>>, Image<4, 9, 8>, Cpu, double>({}, {}, 9, true, 1e-12);
  for (double p : {0.2, 0.7}) {
    test::check_values<DropIn<ReLU, Sequential<Conv<36, 3, Pad<1>, Groups<2>>, ReLU>>, Image<36, 6, 6>, Cpu, double>({}, {{p, Mask::channel}}, 17, true, 1e-12);
    test::check_values<DropIn<ReLU, Sequential<Conv<12, 3, Pad<1>, Groups<4>>, ReLU>>, Image<12, 6, 6>, Cpu, double>({}, {{p, Mask::channel}}, 3, true, 1e-12);
    test::check_values<DropIn<ReLU, Sequential<Conv<12, 1, Groups<3>>, ReLU>>, Image<12, 6, 6>, Cpu, double>({}, {{p, Mask::channel}}, 3, true, 1e-12);
  }
}

TEST_CASE("conv: groups do not see each other") {
  Network<Conv<2, 1, Groups<2>>, Image<2, 1, 1>> net;
  CHECK(net.architecture().tensors[0].shape == std::vector<int>{2, 1, 1, 1});
  net.write(net.architecture().tensors[0], std::vector<float>{10, 100});
  const auto y = net.predict(Tensor<Image<2, 1, 1>>(1, std::vector<float>{1, 2}));
  CHECK(y(0, 0, 0, 0) == 10);
  CHECK(y(0, 1, 0, 0) == 200);
}

TEST_CASE("conv: output size") {
  static_assert(std::is_same_v<decltype(Conv<4, Size{3, 5}, Dilation<2, 1>, Stride<1, 2>>::output(Image<3, 9, 11>{})), Image<4, 5, 4>>);
  static_assert(std::is_same_v<decltype(Conv<96, 11, Stride<4>>::output(Image<3, 227, 227>{})), Image<96, 55, 55>>);
  static_assert(std::is_same_v<decltype(Conv<20, 3, Pad<1>>::output(Image<20, 24, 24>{})), Image<20, 24, 24>>);
  static_assert(std::is_same_v<decltype(Conv<8, 3, Pad<1>, Stride<2>>::output(Image<1, 8, 8>{})), Image<8, 4, 4>>);
}

TEST_CASE("conv: worked by hand") {
  // One 2x2 filter over 2x3: 1 2 3 / 4 5 6 with weights 1 10 / 100 1000, bias 0.5.
  Network<Conv<1, 2>, Image<1, 2, 3>> net;
  net.write(net.architecture().tensors[0], std::vector<float>{1, 10, 100, 1000});
  net.write(net.architecture().tensors[1], std::vector<float>{0.5f});
  const auto y = net.predict(Tensor<Image<1, 2, 3>>(1, std::vector<float>{1, 2, 3, 4, 5, 6}));
  CHECK(y(0, 0, 0, 0) == 5421.5f);
  CHECK(y(0, 0, 0, 1) == 6532.5f);
}
