#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("resize: up, down, more and fewer channels") {
  test::check<Image<2, 4, 5>>(Resize<2, 7, 9>{});
  test::check<Image<3, 9, 8>>(Resize<2, 4, 3>{});
  test::check<Image<2, 3, 3>>(Resize<5, 3, 6>{});
  test::check<Image<1, 1, 1>>(Resize<2, 3, 3>{});
}
TEST_CASE_TEMPLATE("resize: worked by hand", Backend, Cpu, Reference) {
  // Twice as wide: output centres lie at -0.25, 0.25, 0.75, 1.25 of the inputs 0 and 4; the edges are repeated.
  Network<Resize<2, 1, 4>, Image<1, 1, 2>, Backend> net;
  const auto y = net.predict(Tensor<Image<1, 1, 2>>(1, std::vector<float>{0, 4}));
  CHECK(std::vector<float>(y.values().begin(), y.values().end()) == std::vector<float>{0, 1, 3, 4, 0, 0, 0, 0});
}
TEST_CASE("resize: the same size is the same image") {
  Network<Resize<3, 5, 6>, Image<3, 5, 6>> net;
  const auto x = test::random_values<float>(2 * 90, 4);
  const auto y = net.predict(Tensor<Image<3, 5, 6>>(2, x));
  CHECK(std::vector<float>(y.values().begin(), y.values().end()) == x);
}

template <class Backend, class In, class Out>
void adjoint() {
  // <y, R x> = <R^T y, x>
  Network<Resize<Out::channels, Out::height, Out::width>, In, Backend, double> net;
  Workspace<decltype(net)> ws(net, 2, Purpose::train);
  ws.input_gradient = true;
  const auto x = test::random_values<double>(2 * In::size, 1), y = test::random_values<double>(2 * Out::size, 2);
  ws.load(x);
  net.forward(ws);
  std::copy(y.begin(), y.end(), ws.output().diff);
  double left = 0, right = 0;
  for (std::size_t i = 0; i < y.size(); ++i) left += y[i] * ws.output().data[i];
  net.backward(ws);
  for (std::size_t i = 0; i < x.size(); ++i) right += x[i] * ws.input().diff[i];
  CHECK(left == doctest::Approx(right).epsilon(1e-12));
}
TEST_CASE_TEMPLATE("resize: backward is the adjoint", Backend, Cpu, Reference) {
  adjoint<Backend, Image<2, 5, 7>, Image<3, 8, 3>>();
  adjoint<Backend, Image<4, 3, 3>, Image<2, 9, 9>>();
}
