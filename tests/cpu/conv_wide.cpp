// The kernels for many channels and filters, on few: with Correlate to the bit, with sums in double beside Gradient.

#include "../support/check.hpp"

using namespace dropnet;

namespace {

/// Wide's outputs on one thread, two and three, beside Correlate's.
template <class T, class In, class Out, int K, int Pad>
void check_correlation(int batch, bool turned, int first_filter, int first_channel, bool add) {
  using Narrow = winograd::Correlate<T, In, Out, K, Pad>;
  static_assert(!Narrow::Wide::pays);
  constexpr std::ptrdiff_t taps = K * K, C = In::channels, F = Out::channels;
  const auto x = test::random_values<T>(std::size_t(batch) * In::size, 1), w = test::random_values<T>(std::size_t(taps * C * F), 2), b = test::random_values<T>(F, 3);
  const winograd::Kernels<T> kernels{w.data(), turned ? taps : taps * C, turned ? taps * F : taps, turned};
  auto before = test::random_values<T>(std::size_t(batch) * Out::size, 4);
  if (!add) std::fill(before.begin(), before.end(), T(test::nan));
  for (int n = 0; n < batch; ++n) std::fill_n(before.begin() + n * std::ptrdiff_t(Out::size), std::size_t(first_filter) * Out::plane, T(7));  // not wanted

  auto expected = before;
  HostBuffer<T> packed(Narrow::packed), scratch(Narrow::scratch);
  for (int c = first_channel; c < C; ++c) Narrow::pack(kernels, c, packed.data());
  const winograd::Parts parts = Narrow::parts(batch);
  for (int i = 0; i < parts.count(); ++i)
    Narrow::run(parts[i], x.data(), packed.data(), b.data(), expected.data(), scratch.data(), first_filter, first_channel, add, T(-0.5));

  for (int threads : test::cases({1, 2, 3}, {2})) {
    Cpu cpu(threads, 0);
    auto y = before;
    Narrow::Wide::run(cpu, 1, batch, x.data(), kernels, b.data(), y.data(), first_filter, first_channel, add, T(-0.5));
    CHECK(y == expected);
  }
}

template <class T, class In, class Out, int K, int Pad>
void check_gradient(int batch, int first_filter, bool add) {
  using Wide = winograd::WideGradient<T, In, Out, K, Pad>;
  constexpr int C = In::channels, F = Out::channels;
  const auto x = test::random_values<T>(std::size_t(batch) * In::size, 1), dy = test::random_values<T>(std::size_t(batch) * Out::size, 2);
  auto before = test::random_values<T>(std::size_t(F) * C * K * K, 3);
  if (!add) std::fill(before.begin(), before.end(), T(test::nan));

  std::vector<double> expected(before.size()), biases(F);
  for (int f = 0; f < F; ++f)
    for (int c = 0; c < C; ++c)
      for (int ky = 0; ky < K; ++ky)
        for (int kx = 0; kx < K; ++kx) {
          const std::size_t at = std::size_t(((f * C + c) * K + ky) * K + kx);
          double sum = 0;
          for (int n = 0; n < batch && f >= first_filter; ++n)
            for (int i = 0; i < int(Out::height); ++i)
              for (int j = 0; j < int(Out::width); ++j) {
                const int r = i + ky - Pad, q = j + kx - Pad;
                if (r < 0 || r >= int(In::height) || q < 0 || q >= int(In::width)) continue;
                sum += double(x[std::size_t(n) * In::size + std::size_t(c) * In::plane + std::size_t(r * int(In::width) + q)]) *
                       double(dy[std::size_t(n) * Out::size + std::size_t(f) * Out::plane + std::size_t(i * int(Out::width) + j)]);
              }
          expected[at] = (add ? double(before[at]) : 0) + sum;
        }
  for (int n = 0; n < batch; ++n)
    for (int f = first_filter; f < F; ++f)
      for (std::size_t p = 0; p < Out::plane; ++p) biases[std::size_t(f)] += double(dy[std::size_t(n) * Out::size + std::size_t(f) * Out::plane + p]);

  std::vector<T> first;
  for (int threads : test::cases({1, 2, 3}, {2})) {
    Cpu cpu(threads, 0);
    auto dw = before;
    std::vector<T> db(F);
    Wide::run(cpu, 1, batch, x.data(), dy.data(), dw.data(), add, db.data(), first_filter);
    const double tolerance = std::is_same_v<T, float> ? 1e-5 : 1e-12;
    CHECK(test::distance(dw, expected) < tolerance);
    CHECK(test::distance(db, biases) < tolerance);
    dw.insert(dw.end(), db.begin(), db.end());
    if (first.empty()) first = dw;
    CHECK(dw == first);
  }
}

}  // namespace

TEST_CASE_TEMPLATE("many channels and filters: outputs are the same bytes", T, float, double) {
  for (const int batch : test::cases({1, 5, 16, 35}, {35}))
    for (const bool add : {false, true}) {
      check_correlation<T, Image<37, 9, 7>, Image<41, 9, 7>, 3, 1>(batch, false, 0, 0, add);
      check_correlation<T, Image<37, 9, 7>, Image<41, 9, 7>, 3, 1>(batch, false, 23, 0, add);
      check_correlation<T, Image<70, 5, 5>, Image<33, 3, 3>, 3, 0>(batch, true, 0, 39, add);
      check_correlation<T, Image<20, 6, 6>, Image<35, 6, 6>, 5, 2>(batch, true, 0, 5, add);
      check_correlation<T, Image<20, 6, 7>, Image<35, 5, 6>, 4, 1>(batch, false, 3, 0, add);
      // Of New nothing is let in yet.
      check_correlation<T, Image<20, 6, 6>, Image<35, 6, 6>, 5, 2>(batch, false, 35, 0, add);
      check_correlation<T, Image<20, 6, 6>, Image<35, 6, 6>, 5, 2>(batch, true, 0, 20, add);
    }
}
TEST_CASE_TEMPLATE("many channels and filters: gradients of weights and biases", T, float, double) {
  for (const int batch : test::cases({1, 5, 16, 35}, {35}))
    for (const bool add : {false, true}) {
      check_gradient<T, Image<37, 9, 7>, Image<41, 9, 7>, 3, 1>(batch, 0, add);
      check_gradient<T, Image<37, 9, 7>, Image<41, 9, 7>, 3, 1>(batch, 23, add);
      check_gradient<T, Image<70, 5, 5>, Image<33, 3, 3>, 3, 0>(batch, 18, add);
      check_gradient<T, Image<17, 6, 6>, Image<32, 6, 6>, 5, 2>(batch, 17, add);  // filters in the lanes
      check_gradient<T, Image<17, 6, 6>, Image<32, 6, 6>, 5, 2>(batch, 32, add);
      check_gradient<T, Image<20, 6, 7>, Image<35, 5, 6>, 4, 1>(batch, 3, add);
      check_gradient<T, Image<37, 9, 7>, Image<41, 9, 7>, 3, 1>(batch, 41, add);
    }
}
TEST_CASE("many channels and filters: within a network, some of them open" * doctest::skip(DROPNET_LIGHT)) {
  using In = Image<176, 4, 3>;
  using Layer = Conv<176, 3, Pad<1>>;
  using Kernels = detail::ConvKernels<Layer::window<In>, float>;
  static_assert(Kernels::forward::Forward::Wide::pays && Kernels::backward_data::Backward::Wide::pays && Kernels::backward_weights::Gradient::Wide::pays);
  test::check_values<Layer, In, Cpu, float>({}, {}, 19, true, 1e-5);
  for (double p : {0.2, 0.7}) test::check_values<DropIn<ReLU, Sequential<Layer, ReLU>>, In, Cpu, float>({}, {{p, Mask::channel}}, 3, true, 1e-5);
}
