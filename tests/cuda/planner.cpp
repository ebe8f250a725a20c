// cuDNN's own planner, which needs no GPU, on a device's description: every convolution of LeNet(2N) has plans.
// devices/h200.json was put together from the device's published figures and the names that the library knows.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <dropnet/cuda/conv.hpp>
#include <dropnet/dropnet.hpp>
#include <fstream>
#include <sstream>

using namespace dropnet;
using namespace dropnet::cuda;

namespace {

constexpr std::size_t workspace = std::size_t(16) << 20;

template <class Layer, class In>
ConvShape shape_of(int batch) { return conv_shape(typename Layer::template window<In>{}, batch); }

}  // namespace

TEST_CASE("LeNet(2N) on an H200: plans for every convolution, as it is and deterministic") {
  std::ifstream file(DROPNET_SOURCE "/tests/cuda/devices/h200.json");
  std::stringstream json;
  json << file.rdbuf();
  const Cudnn cudnn;
  const Descriptor device = planning_device(cudnn, json.str());
  for (const int batch : {64, 100, 1}) {
    const ConvShape shapes[] = {shape_of<Conv<20, 5>, Image<1, 28, 28>>(batch), shape_of<Conv<20, 3, Pad<1>>, Image<20, 24, 24>>(batch),
                                shape_of<Conv<50, 5>, Image<20, 12, 12>>(batch), shape_of<Conv<50, 3, Pad<1>>, Image<50, 8, 8>>(batch)};
    for (const ConvShape& shape : shapes)
      for (const ConvKind kind : {ConvKind::forward, ConvKind::forward_relu, ConvKind::forward_bare, ConvKind::backward_data, ConvKind::backward_weights})
        for (const bool add : {false, true})
          for (const bool tf32 : {false, true})
            for (const bool deterministic : {false, true}) {
              if (add && kind != ConvKind::backward_data && kind != ConvKind::backward_weights) continue;
              const ConvQuery query{kind, shape, add, tf32, deterministic};
              CAPTURE(query.text());
              const auto plans = ConvGraph(cudnn, query).plans(device, workspace, 16);
              CHECK(!plans.empty());
              for (const ConvPlan& plan : plans) {
                CHECK(plan.workspace <= workspace);
                CHECK((tf32 || !plan.tensor_cores));
                CHECK((!deterministic || plan.deterministic));
              }
            }
  }
}

TEST_CASE("a description that is none is refused in words") {
  const Cudnn cudnn;
  CHECK_THROWS_WITH_AS(planning_device(cudnn, std::string("{}")), doctest::Contains("a device's description"), Error);
}
