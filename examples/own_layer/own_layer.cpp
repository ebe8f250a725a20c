// A layer that dropnet does not have: Swish with a slope of its own for each channel, y = x / (1 + exp(-b[c] x)). The slopes
// are weights; the gradients are checked against differences, then a network with the layer is trained.

#include <cmath>
#include <dropnet/check.hpp>
#include <dropnet/dropnet.hpp>
#include <iostream>

namespace dn = dropnet;

namespace own {

// The arithmetic, on the CPU. Blobs are [batch][channel][row][column].
template <class T, class In>
void swish_forward(dn::Cpu& cpu, dn::Blob<T, In> x, const T* b, dn::Blob<T, In> y) {
  cpu.parallel(x.batch, x.size() * 8, [&](int n, int) {
    for (std::size_t i = 0; i < In::size; ++i) {
      const T value = x.sample(n)[i];
      y.sample(n)[i] = value / (1 + std::exp(-b[i / In::plane] * value));
    }
  });
}
/// With s = 1 / (1 + exp(-b x)): dx = dy (s + b x s (1 - s)), db = sum of dy x^2 s (1 - s).
template <class T, class In>
void swish_backward(dn::Cpu& cpu, dn::Blob<T, In> x, dn::Weight<T> b, dn::Blob<T, In> y) {
  cpu.parallel(In::channels, x.size() * 8, [&](int c, int) {
    T sum = 0;
    for (int n = 0; n < x.batch; ++n)
      for (std::size_t i = std::size_t(c) * In::plane; i < std::size_t(c + 1) * In::plane; ++i) {
        const T value = x.sample(n)[i], dy = y.sample_diff(n)[i];
        const T s = 1 / (1 + std::exp(-b.data[c] * value));
        sum += dy * value * value * s * (1 - s);
        if (!x.diff) continue;
        T& dx = x.sample_diff(n)[i];
        dx = (x.add ? dx : T(0)) + dy * (s + b.data[c] * value * s * (1 - s));
      }
    if (b.diff) b.diff[c] = (b.add ? b.diff[c] : T(0)) + sum;
  });
}

/// The layer: its shape rule, its weights, and which arithmetic it wants.
struct Swish {
  dn::Parameter slope{.filler = dn::Constant{1}};

  template <class In>
  static constexpr In output(In) { return {}; }
  template <class In>
  constexpr dn::Extent extent(In) const { return dn::extents::layer() + dn::extents::tensor(In::channels); }
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    const auto b = S(s).take_weight(X::shape::channels);
    probed(s, dn::Direction::forward, y, [&] { swish_forward(s.backend(), x, b.data, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    const auto b = S(s).take_weight(X::shape::channels);
    if (!x.diff && !b.diff) return;
    probed(s, dn::Direction::backward, y, [&] { swish_backward(s.backend(), x, b, y); });
  }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, dn::Extent at, In in) const {
    v.layer("swish", at, in, in, 0);
    v.scale({In::channels}, slope);
  }
};

}  // namespace own

int main(int argc, char** argv) try {
  using Checked = dn::Sequential<dn::Conv<3, 3>, own::Swish, dn::DropIn<dn::Conv<3, 1>, dn::Sequential<own::Swish, dn::Conv<3, 1>>>, dn::Linear<2>>;
  const auto check = dn::check_gradients<dn::Image<2, 5, 5>>(Checked{}, {.shares = {dn::Share{0.5}}});
  for (const auto& line : check.wrong) std::cerr << line << '\n';
  std::cout << "gradients: " << check.compared << " compared, " << check.wrong.size() << " wrong\n";
  if (!check.passed()) return 1;

  using Spec = dn::Sequential<dn::Conv<8, 5>, own::Swish, dn::MaxPool<2>, dn::Linear<64>, own::Swish, dn::Linear<10>>;
  const auto mnist = dn::load_mnist(argc > 1 ? argv[1] : "data/mnist-sample");
  dn::Network<Spec, dn::Image<1, 28, 28>> net;
  std::cout << dn::summary(net);
  dn::Trainer trainer{net, dn::Sgd{.momentum = 0.9f, .weight_decay = 5e-4f}, dn::Fixed{0.01f}};
  trainer.fit(mnist.train, {.batch = 32, .iterations = 200});
  std::cout << "accuracy " << dn::evaluate(net, mnist.test).accuracy << '\n';
} catch (const std::exception& e) {
  std::cerr << "own_layer: " << e.what() << '\n';
  return 1;
}
