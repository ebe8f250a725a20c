// Every op of the CUDA backend against the Reference in double, over odd shapes; all that is unwritten is NaN.

#include <dropnet/cuda.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

constexpr double tolerance = 1e-5;

template <class In, class Spec>
void check(Spec spec, std::vector<Share> shares = {}, int batch = 3, bool training = true) {
  test::check_values<Spec, In, Cuda, float>(spec, shares, batch, training, tolerance);
}

}  // namespace

TEST_CASE("convolution: kernels, strides, pads, batches") {
  check<Image<1, 5, 7>>(Conv<1, 1>{}, {}, 1);
  check<Image<3, 7, 9>>(Conv<5, 3>{}, {}, 2);
  check<Image<2, 9, 8>>(Conv<7, 3, Pad<1>>{}, {}, 5);
  check<Image<3, 11, 13>>(Conv<4, 5, Stride<2>, Pad<2>>{}, {}, 3);
  check<Image<2, 23, 17>>(Conv<3, 7, Stride<3>, Pad<1>>{}, {}, 2);
  if (!DROPNET_LIGHT) check<Image<20, 12, 12>>(Conv<50, 5>{}, {}, 4);
}

TEST_CASE("convolution: rectangular, dilated, grouped") {
  check<Image<2, 7, 9>>(Conv<3, Size{2, 5}, Pad<0, 2>, Stride<2, 1>>{});
  check<Image<2, 9, 8>>(Conv<3, Size{3, 2}, Dilation<1, 3>, Pad<1>, Stride<1, 2>>{});
  check<Image<6, 9, 9>>(Conv<3, Size{3, 2}, Groups<3>, Dilation<2>, Stride<2>, Pad<2, 1>>{});
  check<Image<4, 7, 7>>(Conv<6, 3, Groups<2>>{});
}

TEST_CASE("convolution with a ReLU behind it, alone and in a row") {
  check<Image<3, 8, 8>>(Sequential<Conv<5, 3>, ReLU>{});
  check<Image<3, 8, 8>>(Sequential<Conv<5, 3>, ReLU, Conv<4, 3, Pad<1>>, ReLU, MaxPool<2>>{});
  check<Image<3, 8, 8>>(Sequential<Conv<5, 3>, ReLU, ReLU>{});
}

TEST_CASE("fully connected, with and without a ReLU behind it") {
  check<Image<1, 1, 1>>(Linear<1>{}, {}, 1);
  check<Image<5, 3, 2>>(Linear<7>{}, {}, 2);
  check<Image<3, 5, 5>>(Linear<257>{}, {}, 70);
  check<Image<5, 3, 2>>(Sequential<Linear<7>, ReLU>{}, {}, 2);
  check<Image<2, 3, 6>>(Sequential<Linear<40>, ReLU, Linear<12>, ReLU, Linear<3>>{});
}

TEST_CASE("max pooling: rounding up, overlap, padding, ties") {
  check<Image<3, 8, 8>>(MaxPool<2>{});
  check<Image<2, 7, 10>>(MaxPool<3, Stride<2>>{});
  check<Image<2, 9, 7>>(MaxPool<3, Stride<2>, Pad<1>>{});
  check<Image<1, 5, 5>>(MaxPool<3, Stride<1>, Pad<2>>{});
  check<Image<2, 4, 4>>(MaxPool<4, Stride<5>>{});
  check<Image<2, 7, 8>>(MaxPool<Size{2, 3}, Stride<1, 2>, Pad<1, 0>>{});
  check<Image<2, 7, 8>>(MaxPool<3, Stride<2>, Floor>{});
  // Of equals the first: a ReLU makes many zeros.
  check<Image<4, 6, 6>>(Sequential<ReLU, MaxPool<3, Stride<2>>>{});
}

TEST_CASE("average pooling") {
  check<Image<3, 6, 8>>(AvgPool<2>{});
  check<Image<2, 8, 8>>(AvgPool<3, Stride<2>>{});
  check<Image<2, 7, 9>>(AvgPool<3, Stride<2>, Pad<1>>{});
  check<Image<2, 7, 9>>(AvgPool<Size{3, 2}, Stride<1, 3>, Pad<2, 1>, Floor>{});
}

TEST_CASE("elementwise: ReLU, identity, dropout") {
  check<Image<3, 5, 7>>(ReLU{});
  check<Image<3, 5, 7>>(Identity{});
  check<Image<3, 5, 7>>(Repeat<ReLU, Dynamic>{.count = 0});
  check<Image<3, 5, 7>>(Dropout{.ratio = 0.3}, {}, 5);
  check<Image<3, 5, 7>>(Dropout{.ratio = 0.3}, {}, 5, false);
  check<Image<1, 300, 400>>(Dropout{.ratio = 0.5}, {}, 2);
  check<Image<3, 5, 7>>(Dropout{.ratio = 0.9, .end = 0.1, .start = 1, .length = 4}, {}, 5);
}

TEST_CASE("leaky ReLU, sigmoid, tanh, softmax") {
  check<Image<3, 5, 7>>(LeakyReLU{0.2f});
  check<Image<3, 5, 7>>(Sigmoid{});
  check<Image<3, 5, 7>>(Tanh{});
  check<Image<5, 3, 2>>(Softmax{});
}

TEST_CASE("LRN across and within channels") {
  check<Image<7, 3, 2>>(LRN<5>{});
  check<Image<3, 2, 3>>(LRN<5>{.alpha = 0.5, .beta = 0.6, .k = 2});
  check<Image<2, 5, 7>>(LRN<3, WithinChannel>{});
  check<Image<3, 4, 3>>(LRN<5, WithinChannel>{.alpha = 0.5, .beta = 0.6, .k = 2});
}

TEST_CASE("batch normalisation, by the batch's statistics and by the running ones") {
  for (const bool training : {true, false}) {
    check<Image<3, 4, 5>>(BatchNorm{}, {}, 4, training);
    check<Image<5, 1, 1>>(BatchNorm{.epsilon = 0.1}, {}, 7, training);
    check<Image<2, 30, 31>>(Sequential<Conv<4, 3>, BatchNorm, ReLU>{}, {}, 5, training);
  }
}

TEST_CASE("add, concat, and what is frozen") {
  using Same = Conv<2, 3, Pad<1>>;
  check<Image<2, 5, 4>>(Add<Identity, Sequential<Same, BatchNorm, ReLU, Same>>{}, {}, 4);
  check<Image<2, 5, 4>>(Add<Same, Sequential<Same, ReLU>, Same, Identity>{});
  check<Image<2, 5, 4>>(Concat<Conv<2, 1>, Sequential<Conv<3, 1>, ReLU, Conv<1, 3, Pad<1>>>, Identity>{});
  check<Image<2, 5, 4>>(Sequential<Same, Frozen<Sequential<Same, BatchNorm, Dropout, ReLU>>, Linear<3>>{});
}

TEST_CASE("resize: larger, smaller, more and fewer channels") {
  check<Image<2, 5, 7>>(Resize<2, 5, 7>{});
  check<Image<2, 5, 7>>(Resize<3, 11, 4>{});
  check<Image<4, 9, 3>>(Resize<2, 2, 13>{});
  check<Image<1, 1, 1>>(Resize<2, 3, 3>{});
  check<Image<2, 17, 16>>(Resize<2, 3, 1>{});
}

TEST_CASE("DropIn: closed, in part, complete; by unit, at random, its expectation; nested; adapted") {
  using A = DropIn<Conv<4, 3>, Sequential<Conv<4, 3, Pad<1>>, ReLU>>;
  using Nested = DropIn<Conv<3, 3>, DropIn<Conv<3, 3, Pad<1>>, Conv<3, 3, Pad<1>>>>;
  using Skipped = DropIn<Identity, Sequential<Conv<5, 3, Pad<1>>, ReLU, Conv<2, 3, Pad<1>>>>;
  using Adapted = DropIn<Conv<3, 3>, Conv<5, 2, Stride<2>>, Resize<>>;
  for (const Mask mask : {Mask::unit, Mask::channel, Mask::bernoulli, Mask::blend})
    for (const double p : test::cases({0.0, 0.1, 0.5, 0.97, 1.0}, {0.0, 0.5, 1.0}))
      for (const bool training : test::cases({true, false}, {true})) {
        CAPTURE(p);
        check<Image<2, 6, 7>>(A{}, {{p, mask}}, 3, training);
        check<Image<2, 6, 7>>(Skipped{}, {{p, mask}}, 3, training);
        check<Image<2, 7, 7>>(Adapted{}, {{p, mask}}, 3, training);
        check<Image<2, 6, 7>>(Nested{}, {{p, mask}, {0.5, mask}}, 2, training);
      }
}

TEST_CASE("DropInStack: some sites open") {
  using Stack = DropInStack<Conv<3, 3>, Sequential<Conv<3, 3, Pad<1>>, ReLU>, Dynamic>;
  check<Image<2, 7, 8>>(Stack{.count = 4}, {{1}, {0.6}, {0}, {0.3, Mask::bernoulli}});
  check<Image<2, 7, 8>>(Stack{.count = 2}, {{0}, {0}});
}

TEST_CASE_TEMPLATE("random masks have the same bits as the CPU's", Masked, Dropout, DropIn<Identity, Resize<3, 9, 9>>) {
  using In = Image<3, 9, 9>;
  const auto zeros = [](auto& net, std::uint64_t iteration) {
    // With ones on one side and zeros on the other, outputs show the mask.
    typename std::decay_t<decltype(net)>::workspace ws(net, 7);
    for (auto& share : net.shares()) share = {0.4, Mask::bernoulli};
    ws.load(test::random_values<float>(7 * In::size, 4));
    net.forward(ws, {.iteration = iteration, .seed = Seed{0x123456789abcdef}, .training = true});
    std::vector<bool> zero;
    for (float v : test::read(ws.activations(), ws.output().data, 7 * In::size)) zero.push_back(v == 0);
    return zero;
  };
  Network<Masked, In> here;
  Network<Masked, In, Cuda> there;
  for (const std::uint64_t iteration : {std::uint64_t(0), std::uint64_t(1), std::uint64_t(1) << 40}) CHECK(zeros(here, iteration) == zeros(there, iteration));
}

TEST_CASE("softmax cross-entropy, hits and the finite check") {
  using In = Image<13, 1, 1>;
  for (const int batch : {1, 9, 300}) {
    auto x = test::random_values<float>(std::size_t(batch) * In::size, batch, 3);
    x[5] = x[3];  // ties: the lower index is the greater
    std::vector<int> labels;
    for (int n = 0; n < batch; ++n) labels.push_back(n * 7 % 13);
    labels[0] = 5;
    const auto run = [&](auto backend, auto scalar) {
      using T = decltype(scalar);
      using Net = Network<Identity, In, decltype(backend), T>;
      Net net;
      typename Net::workspace ws(net, batch, Purpose::train, std::move(backend));
      for (int k = 0; k < 2; ++k) {
        ws.load(std::vector<T>(x.begin(), x.end()));
        ws.load_labels(labels);
        net.forward(ws);
        softmax_loss(ws.backend(), ws.output(), ws.labels(), 5, ws.tally(), ws.batch());
      }
      const auto diff = test::read(ws.diffs(), ws.output().diff, x.size());
      return std::pair(ws.take_tally(), std::vector<double>(diff.begin(), diff.end()));
    };
    const auto [found, gradient] = run(Cuda{}, 0.0f);
    const auto [expected, true_gradient] = run(Reference{}, 0.0);
    CHECK(found.loss == doctest::Approx(expected.loss).epsilon(1e-6));
    CHECK(found.first == expected.first);
    CHECK(found.within == expected.within);
    CHECK(found.images == 2 * batch);
    CHECK(found.batches == 2);
    CHECK(found.finite == 2);
    CHECK(test::distance(gradient, true_gradient) < tolerance);
    x[std::size_t(batch) / 2 * In::size] = std::numeric_limits<float>::infinity();
    const Tally infinite = run(Cuda{}, 0.0f).first;
    CHECK(infinite.diverged());
    CHECK(infinite.finite == 0);
  }
}

TEST_CASE("squared error") {
  using In = Image<3, 2, 5>;
  for (const int batch : {1, 9, 300}) {
    const auto x = test::random_values<float>(std::size_t(batch) * In::size, 1), targets = test::random_values<float>(x.size(), 2);
    const auto run = [&](auto backend, auto scalar, bool finite) {
      using T = decltype(scalar);
      using Net = Network<Identity, In, decltype(backend), T>;
      Net net;
      typename Net::workspace ws(net, batch, Purpose::train, std::move(backend));
      ws.load(std::vector<T>(x.begin(), x.end()));
      auto wanted = std::vector<T>(targets.begin(), targets.end());
      if (!finite) wanted[5] = T(test::nan);
      ws.load_targets(wanted);
      net.forward(ws);
      queue_loss(ws, ws.output(), 1);
      const auto diff = test::read(ws.diffs(), ws.output().diff, x.size());
      return std::pair(ws.take_tally(), std::vector<double>(diff.begin(), diff.end()));
    };
    const auto [found, gradient] = run(Cuda{}, 0.0f, true);
    const auto [expected, true_gradient] = run(Reference{}, 0.0, true);
    CHECK(found.loss == doctest::Approx(expected.loss).epsilon(1e-6));
    CHECK(found.images == batch);
    CHECK(found.finite == 1);
    CHECK(test::distance(gradient, true_gradient) < tolerance);
    CHECK(run(Cuda{}, 0.0f, false).first.diverged());
  }
}

TEST_CASE("running statistics follow, beside tensors that momentum moves") {
  using In = Image<2, 3, 3>;
  using Spec = Sequential<Conv<4, 3, Pad<1>>, BatchNorm, ReLU, Frozen<Linear<5>>, Linear<3>>;
  const auto pixels = test::random_values<float>(12 * In::size, 1);
  const auto data = Dataset::floats(In{}, pixels, {0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 2});
  const auto run = [&](auto backend) {
    Network<Spec, In, decltype(backend)> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{.momentum = 0.9f, .weight_decay = 0.01f, .clip = 1}, Fixed{0.05f}};
    trainer.fit(data, {.batch = 4, .iter_size = 2, .iterations = 10}, std::move(backend));
    return test::weights(net);
  };
  CHECK(test::distance(run(Cuda{}), run(Cpu{})) < 1e-4);
}

TEST_CASE("SGD: momentum, decay, multipliers, clipping; many tensors; a frozen tally") {
  using Spec = Repeat<Linear<3>, 60>;  // 120 tensors: more than go into one launch
  using In = Image<3, 1, 1>;
  const auto run = [](auto backend, auto scalar, Sgd sgd, bool diverged) {
    using T = decltype(scalar);
    using Net = Network<Spec, In, decltype(backend), T>;
    Spec spec;
    spec.layer.bias = {.rate = 2, .decay = 0};
    Net net(spec, Fill{.bias = Constant{0.1f}}, Seed{1});
    typename Net::workspace ws(net, 2, Purpose::train, std::move(backend));
    Solver<Net> solver(net, sgd);
    if (diverged) {
      ws.load(std::vector<T>(6, T(test::nan)));
      ws.load_labels(std::vector<int>{0, 1});
      net.forward(ws);
      softmax_loss(ws.backend(), ws.output(), ws.labels(), 1, ws.tally(), ws.batch());
    }
    for (int i = 0; i < 3; ++i) {
      const auto g = test::random_values<float>(ws.gradients().size(), i);
      test::write(ws.gradients(), ws.gradients().data(), std::vector<T>(g.begin(), g.end()));
      solver.step(net, ws, 0.1 / (i + 1));
    }
    std::vector<double> w;
    for (const auto& t : net.architecture().tensors)
      for (T v : net.read(t)) w.push_back(double(v));
    return w;
  };
  for (const Sgd sgd : {Sgd{}, Sgd{.momentum = 0.9f, .weight_decay = 0.01f, .bias_rate = 2, .bias_decay = 0.5f}, Sgd{.momentum = 0.9f, .weight_decay = 0.01f, .nesterov = true}, Sgd{.momentum = 0.5f, .clip = 0.7f},
                        Sgd{.momentum = 0.5f, .clip = 1000}}) {
    const auto expected = run(Reference{}, 0.0, sgd, false);
    CHECK(test::distance(run(Cuda{}, 0.0f, sgd, false), expected) < tolerance);
    const auto frozen = run(Cuda{}, 0.0f, sgd, true);
    CHECK(test::distance(frozen, expected) > 0.01);
    CHECK(test::distance(frozen, run(Reference{}, 0.0, sgd, true)) < 1e-7);
  }
}

TEST_CASE("batches: bytes and floats, less a mean, scaled, cut out, turned, with their labels") {
  using In = Image<2, 3, 5>;
  std::vector<std::uint8_t> bytes(50 * In::size);
  std::vector<float> floats(bytes.size());
  std::vector<int> labels;
  for (std::size_t i = 0; i < bytes.size(); ++i) floats[i] = float(bytes[i] = std::uint8_t(i * 31 % 256)) / 3;
  for (int n = 0; n < 50; ++n) labels.push_back(n % 4);
  const auto all = Dataset::bytes(In{}, bytes, labels, 0.25f), real = Dataset::floats(In{}, floats, labels);
  const auto same = [&]<class Seen>(Seen, const Dataset& data) {
    Network<Linear<4>, Seen> here;
    Network<Linear<4>, Seen, Cuda> there;
    Workspace<decltype(here)> a(here, 7);
    Workspace<decltype(there)> b(there, 7);
    Batches batches(data, 7, Seed{2}, {.pad = 2, .mirror = true});
    for (std::uint64_t t = 0; t < 20; ++t) {
      batches.load(t, a);
      batches.load(t, b);
      CHECK(test::read(a.activations(), a.input().data, 7 * Seen::size) == test::read(b.activations(), b.input().data, 7 * Seen::size));
    }
    const auto x = a.labels();
    std::vector<int> y(7);
    cudaMemcpyAsync(y.data(), b.labels(), 7 * sizeof(int), cudaMemcpyDeviceToHost, b.backend().stream());
    b.backend().wait();
    CHECK(std::equal(y.begin(), y.end(), x));
  };
  for (const Dataset& data : {all, real, all.less(mean_image(all)), real.less(mean_image(real))}) {
    same(In{}, data);
    same(Image<2, 2, 2>{}, data.crop(2, 2));  // moved past the edges too
  }
  // More values in a target than pixels in an image.
  const auto targets = test::random_values<float>(50 * 40, 3);
  const auto with_targets = all.with_targets(targets);
  Network<Linear<40>, In> here;
  Network<Linear<40>, In, Cuda> there;
  Workspace<decltype(here)> a(here, 7);
  Workspace<decltype(there)> b(there, 7);
  Batches batches(with_targets, 7, Seed{2});
  batches.load(3, a);
  batches.load(3, b);
  CHECK(b.has_targets());
  std::vector<float> y(7 * 40);
  cudaMemcpyAsync(y.data(), b.targets(), y.size() * sizeof(float), cudaMemcpyDeviceToHost, b.backend().stream());
  b.backend().wait();
  CHECK(std::equal(y.begin(), y.end(), a.targets()));
}
