// Layers against values that PyTorch computed in float64 (tests/golden/make.py): outputs and all gradients.

#include "../golden/values.hpp"
#include "../support/check.hpp"

using namespace dropnet;

namespace {

constexpr int batch = 2;

/// Value i of a stream, as in make.py.
std::vector<double> numbers(std::size_t count, int stream) {
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = double((i * 7919 + std::size_t(stream) * 1031 + 17) % 2003) / 1024 - 0.978515625;
  return values;
}

template <class In, class Backend, class Layer>
void compare_on(const Layer& layer, const golden::Case& expected, bool training) {
  using Net = Network<Layer, In, Backend, double>;
  Net net(layer, Net::no_fill);
  int stream = 1;
  for (const auto& t : net.architecture().tensors) {
    auto values = numbers(t.size, stream++);
    if (t.name.ends_with("running_var"))
      for (double& v : values) v = v * v + 0.5;
    net.write(t, values);
  }
  Workspace<Net> ws(net, batch, Purpose::train);
  ws.input_gradient = true;
  test::fill(ws.activations(), test::nan);
  test::fill(ws.diffs(), test::nan);
  test::fill(ws.gradients(), test::nan);
  ws.load(numbers(batch * In::size, 0));
  net.forward(ws, {.training = training});
  std::vector<double> y(batch * Net::output::size);
  ws.outputs(y);
  CHECK(test::distance(y, expected.output) < 1e-13);
  const auto dy = numbers(y.size(), 9);
  std::copy(dy.begin(), dy.end(), ws.output().diff);
  net.backward(ws);
  CHECK(test::distance(std::vector<double>(ws.input().diff, ws.input().diff + batch * In::size), expected.input_gradient) < 1e-12);
  for (std::size_t k = 0; k < expected.weight_gradients.size(); ++k) {
    const auto& t = net.architecture().tensors[k];
    std::vector<double> dw(t.size);
    ws.gradients().download(t.offset, dw);
    CHECK_MESSAGE(test::distance(dw, expected.weight_gradients[k]) < 1e-12, t.name);
  }
}
template <class In, class Layer>
void compare(const Layer& layer, const golden::Case& expected, bool training = true) {
  compare_on<In, Cpu>(layer, expected, training);
  compare_on<In, Reference>(layer, expected, training);
}

}  // namespace

TEST_CASE("grouped, dilated, rectangular convolution") {
  compare<Image<4, 7, 6>>(Conv<6, 3, Groups<2>>{}, golden::conv_groups);
  compare<Image<3, 5, 6>>(Conv<6, Size{3, 2}, Pad<1, 0>, Groups<3>>{}, golden::conv_depthwise);
  compare<Image<2, 9, 8>>(Conv<3, Size{3, 2}, Dilation<2, 3>, Pad<1>>{}, golden::conv_dilation);
  compare<Image<6, 9, 9>>(Conv<3, Size{3, 2}, Stride<2>, Pad<2, 1>, Dilation<2>, Groups<3>>{}, golden::conv_everything);
  compare<Image<2, 7, 9>>(Conv<3, Size{1, 5}, Stride<2, 1>, Pad<0, 2>>{}, golden::conv_rectangle);
}
TEST_CASE("LRN across and within channels") {
  compare<Image<7, 3, 2>>(LRN<5>{}, golden::lrn_across);
  compare<Image<4, 2, 3>>(LRN<3>{.alpha = 0.5, .beta = 0.6, .k = 2}, golden::lrn_across_numbers);
  compare<Image<2, 5, 7>>(LRN<3, WithinChannel>{}, golden::lrn_within);
  compare<Image<3, 4, 3>>(LRN<5, WithinChannel>{.alpha = 0.5, .beta = 0.6, .k = 2}, golden::lrn_within_numbers);
}
TEST_CASE("batch normalisation") {
  compare<Image<3, 4, 5>>(BatchNorm{}, golden::batch_norm_training, true);
  compare<Image<3, 4, 5>>(BatchNorm{.epsilon = 1e-3}, golden::batch_norm_testing, false);
}
TEST_CASE("pooling at the edges: rounding up and down, padding, a window that would begin in it") {
  compare<Image<2, 7, 10>>(MaxPool<3, Stride<2>>{}, golden::max_pool_up);
  compare<Image<2, 9, 7>>(MaxPool<3, Stride<2>, Pad<1>>{}, golden::max_pool_pad);
  compare<Image<1, 4, 4>>(MaxPool<2, Stride<3>, Pad<1>>{}, golden::max_pool_dropped);
  compare<Image<2, 7, 8>>(MaxPool<3, Stride<2>, Floor>{}, golden::max_pool_down);
  compare<Image<2, 8, 8>>(AvgPool<3, Stride<2>>{}, golden::average_pool_up);
  compare<Image<2, 7, 9>>(AvgPool<3, Stride<2>, Pad<1>>{}, golden::average_pool_pad);
  compare<Image<2, 7, 9>>(AvgPool<Size{3, 2}, Stride<1, 3>, Pad<1>, Floor>{}, golden::average_pool_down);
}
