// cuDNN's own planner, which needs no GPU, on devices' descriptions: every convolution of LeNet(2N), CIFAR-10's nets, AlexNet
// and VGG16 has plans.
// devices/h100.json is cuDNN's own description of an H100 (its PCI number apart); devices/h200.json was put together before
// from the device's published figures and the names that the library knows.

#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>

#include <dropnet/cuda/conv.hpp>
#include <dropnet/dropnet.hpp>
#include <fstream>
#include <sstream>

using namespace dropnet;
using namespace dropnet::cuda;

namespace {

template <class Layer, class In>
ConvShape shape_of(int batch) { return conv_shape(typename Layer::template window<In>{}, batch); }

std::string description(const std::string& name) {
  std::ifstream file(DROPNET_SOURCE "/tests/cuda/devices/" + name + ".json");
  std::stringstream json;
  json << file.rdbuf();
  return json.str();
}

/// That there are plans within the workspace, which are what was asked for: fp32 and TF32, as they are and deterministic.
void check_plans(const std::string& name, const std::vector<ConvShape>& shapes, std::size_t workspace, const std::vector<ConvKind>& kinds) {
  const Cudnn cudnn;
  const Descriptor device = planning_device(cudnn, description(name));
  for (const ConvShape& shape : shapes)
    for (const ConvKind kind : kinds)
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

constexpr std::size_t mebibyte = std::size_t(1) << 20;
const std::vector<ConvKind> all{ConvKind::forward, ConvKind::forward_relu, ConvKind::forward_bare, ConvKind::backward_data, ConvKind::backward_weights};
// What conv_forward falls back to where nothing is fused.
const std::vector<ConvKind> needed{ConvKind::forward_bare, ConvKind::backward_data, ConvKind::backward_weights};

}  // namespace

TEST_CASE("LeNet(2N) on an H100 and on an H200, within 16 MiB of workspace") {
  for (const char* device : {"h100", "h200"})
    for (const int batch : {64, 100, 1})
      check_plans(device,
                  {shape_of<Conv<20, 5>, Image<1, 28, 28>>(batch), shape_of<Conv<20, 3, Pad<1>>, Image<20, 24, 24>>(batch),
                   shape_of<Conv<50, 5>, Image<20, 12, 12>>(batch), shape_of<Conv<50, 3, Pad<1>>, Image<50, 8, 8>>(batch)},
                  16 * mebibyte, all);
}
TEST_CASE("CIFAR-10's nets on an H200, batch 100, within 64 MiB") {
  check_plans("h200", {shape_of<Conv<32, 5, Pad<2>>, Image<3, 32, 32>>(100), shape_of<Conv<32, 5, Pad<2>>, Image<32, 32, 32>>(100),
               shape_of<Conv<32, 5, Pad<2>>, Image<32, 16, 16>>(100), shape_of<Conv<32, 5, Pad<2>>, Image<32, 8, 8>>(100),
               shape_of<Conv<64, 3, Pad<1>>, Image<32, 8, 8>>(100), shape_of<Conv<64, 3, Pad<1>>, Image<32, 32, 32>>(100)},
              64 * mebibyte, needed);
}
TEST_CASE("AlexNet with 13 layers on an H200, batch 256, within the default 256 MiB") {
  check_plans("h200", {shape_of<Conv<96, 11, Stride<4>>, Image<3, 227, 227>>(256), shape_of<Conv<96, 11, Pad<5>>, Image<96, 55, 55>>(256),
               shape_of<Conv<256, 5, Pad<2>, Groups<2>>, Image<96, 27, 27>>(256), shape_of<Conv<256, 5, Pad<2>, Groups<2>>, Image<256, 27, 27>>(256),
               shape_of<Conv<384, 3, Pad<1>>, Image<256, 13, 13>>(256), shape_of<Conv<384, 3, Pad<1>>, Image<384, 13, 13>>(256),
               shape_of<Conv<384, 3, Pad<1>, Groups<2>>, Image<384, 13, 13>>(256), shape_of<Conv<256, 3, Pad<1>, Groups<2>>, Image<384, 13, 13>>(256),
               shape_of<Conv<256, 3, Pad<1>, Groups<2>>, Image<256, 13, 13>>(256)},
              CudaOptions{}.workspace, needed);
}
TEST_CASE("VGG16 on an H200, batch 64, within the default 256 MiB") {
  using Same64 = Conv<64, 3, Pad<1>>;
  check_plans("h200", {shape_of<Same64, Image<3, 224, 224>>(64), shape_of<Same64, Image<64, 224, 224>>(64),
               shape_of<Conv<128, 3, Pad<1>>, Image<64, 112, 112>>(64), shape_of<Conv<128, 3, Pad<1>>, Image<128, 112, 112>>(64),
               shape_of<Conv<256, 3, Pad<1>>, Image<128, 56, 56>>(64), shape_of<Conv<256, 3, Pad<1>>, Image<256, 56, 56>>(64),
               shape_of<Conv<512, 3, Pad<1>>, Image<256, 28, 28>>(64), shape_of<Conv<512, 3, Pad<1>>, Image<512, 28, 28>>(64),
               shape_of<Conv<512, 3, Pad<1>>, Image<512, 14, 14>>(64)},
              CudaOptions{}.workspace, needed);
}

TEST_CASE("a description that is none is refused in words") {
  const Cudnn cudnn;
  CHECK_THROWS_WITH_AS(planning_device(cudnn, std::string("{}")), doctest::Contains("a device's description"), Error);
}
