#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("max pool") {
  test::check<Image<3, 6, 8>>(MaxPool<2>{});
  test::check<Image<2, 7, 7>>(MaxPool<3, Stride<2>>{});
  test::check<Image<2, 5, 6>>(MaxPool<3, Stride<2>, Pad<1>>{});
  test::check<Image<2, 5, 5>>(MaxPool<3, Stride<1>, Pad<1>>{});
  test::check<Image<1, 1, 1>>(MaxPool<1>{});
  test::check<Image<2, 9, 21>>(MaxPool<3, Stride<2>>{});
  test::check<Image<1, 3, 3>>(MaxPool<5, Stride<2>, Pad<2>>{});
}
TEST_CASE("max pool: rectangular, rounding down") {
  test::check<Image<2, 7, 8>>(MaxPool<Size{2, 3}, Stride<1, 2>, Pad<1, 0>>{});
  test::check<Image<2, 7, 8>>(MaxPool<3, Stride<2>, Floor>{});
}
TEST_CASE("average pool") {
  test::check<Image<3, 6, 8>>(AvgPool<2>{});
  test::check<Image<2, 8, 8>>(AvgPool<3, Stride<2>>{});
  test::check<Image<2, 7, 9>>(AvgPool<3, Stride<2>, Pad<1>>{});
  test::check<Image<2, 7, 9>>(AvgPool<Size{3, 2}, Stride<1, 3>, Pad<2, 1>, Floor>{});
  test::check<Image<5, 4, 4>>(AvgPool<4>{});
  test::check<Image<2, 9, 21>>(AvgPool<3, Stride<2>, Floor>{});
  test::check<Image<1, 3, 3>>(AvgPool<5, Stride<2>, Pad<2>>{});
}
TEST_CASE_TEMPLATE("average pool: positions in the padding count, those beyond it do not, as in Caffe", Backend, Cpu, Reference) {
  // 4 x 4 ones, kernel 3, stride 2, pad 1: sizes round up to 3. Corners: 2 x 2 ones of 3 x 3 positions; the last window
  // begins at 3 and ends with the padding at 5: 1 x 1 of 2 x 2.
  Network<AvgPool<3, Stride<2>, Pad<1>>, Image<1, 4, 4>, Backend> net;
  const auto y = net.predict(Tensor<Image<1, 4, 4>>(1, std::vector<float>(16, 1)));
  CHECK(y(0, 0, 0, 0) == doctest::Approx(4.0 / 9));
  CHECK(y(0, 0, 0, 1) == doctest::Approx(6.0 / 9));
  CHECK(y(0, 0, 1, 1) == doctest::Approx(1));
  CHECK(y(0, 0, 2, 2) == doctest::Approx(1.0 / 4));
}
TEST_CASE("pooling: rounds down with Floor") {
  static_assert(std::is_same_v<decltype(MaxPool<3, Stride<2>, Floor>::output(Image<32, 32, 32>{})), Image<32, 15, 15>>);
  static_assert(std::is_same_v<decltype(AvgPool<3, Stride<2>>::output(Image<32, 16, 16>{})), Image<32, 8, 8>>);
}
TEST_CASE("max pool: rounds up as Caffe does") {
  static_assert(std::is_same_v<decltype(MaxPool<3, Stride<2>>::output(Image<32, 32, 32>{})), Image<32, 16, 16>>);
  static_assert(std::is_same_v<decltype(MaxPool<3, Stride<2>>::output(Image<96, 55, 55>{})), Image<96, 27, 27>>);
  // ceil((4 + 2 - 2) / 3) + 1 = 3, but the third window would begin at 6 >= 4 + 1, in the padding.
  static_assert(std::is_same_v<decltype(MaxPool<2, Stride<3>, Pad<1>>::output(Image<1, 4, 4>{})), Image<1, 2, 2>>);
}
TEST_CASE_TEMPLATE("max pool: the first of equal inputs gets the gradient", Backend, Cpu, Reference) {
  Network<MaxPool<2>, Image<1, 2, 3>, Backend> net;
  Workspace<decltype(net)> ws(net, 1, Purpose::train);
  ws.input_gradient = true;
  ws.load(std::vector<float>{4, 4, 1, 4, 4, 1});
  net.forward(ws);
  ws.output().diff[0] = 1;
  ws.output().diff[1] = 2;
  net.backward(ws);
  const float* d = ws.input().diff;
  CHECK(std::vector<float>(d, d + 6) == std::vector<float>{1, 0, 2, 0, 0, 0});
}
