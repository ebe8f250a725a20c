// What goes wrong on a GPU, played by the stand-ins: one clear line, and nothing is lost.

#include <dropnet/cuda.hpp>

#include "../standin/standin.hpp"
#include "../support/check.hpp"

using namespace dropnet;
using standin::machine;
using In = Image<2, 6, 6>;
using Spec = Sequential<Conv<3, 3>, MaxPool<2>, Linear<4>>;

namespace {

/// Turns the machine, and back at the end.
struct Turned {
  standin::Machine before = machine();
  ~Turned() {
    const std::size_t used = machine().used;
    machine() = before;
    machine().used = used;
  }
};

}  // namespace

TEST_CASE("no driver, an old one, no device") {
  const Turned turned;
  machine().devices = 0;
  CHECK_THROWS_WITH_AS(Cuda{}, doctest::Contains("no usable GPU"), Error);
  machine().driver = 12020;
  CHECK_THROWS_WITH_AS(Cuda{}, doctest::Contains("knows CUDA 12.2, this program needs 13"), Error);
  machine().driver = 0;
  CHECK_THROWS_WITH_AS(Cuda{}, "dropnet: Cuda: no NVIDIA driver is there; install it, or use the CPU", Error);
  CHECK_THROWS_WITH_AS((Network<Spec, In, Cuda>{}), doctest::Contains("no NVIDIA driver"), Error);
}

TEST_CASE("out of memory says how much was wanted and how much is free, and takes nothing") {
  const Turned turned;
  Network<Spec, In, Cuda> net;
  const auto before = net.read(net.architecture().tensors[0]);
  const std::size_t used = machine().used;
  machine().memory = std::size_t(100) << 20;
  using Net = decltype(net);
  CHECK_THROWS_WITH_AS((Workspace<Net>(net, 1 << 18)), doctest::Contains("MiB wanted, "), Error);
  CHECK_THROWS_WITH_AS((Workspace<Net>(net, 1 << 18)), doctest::Contains("of 100 MiB free; use a smaller batch"), Error);
  CHECK(machine().used == used);
  CHECK(net.read(net.architecture().tensors[0]) == before);
  Workspace<Net> small(net, 4);
}

TEST_CASE("all device memory is given back") {
  const std::size_t used = machine().used;
  {
    Network<Spec, In, Cuda> net;
    Workspace<decltype(net)> ws(net, 4, Purpose::train);
    auto copy = net;
    copy = std::move(net);
    auto ws2 = std::move(ws);
    copy.forward(ws2);
  }
  CHECK(machine().used == used);
}

TEST_CASE("a library that is missing is named") {
  CHECK_THROWS_WITH_AS(cuda::Library("/no/such/file", "libno_such_library.so.9"), doctest::Contains("libno_such_library.so.9 is not there"), Error);
  CHECK_THROWS_WITH_AS(cuda::Library("", "libno_such_library.so.9"), doctest::Contains("or use the CPU"), Error);
  const cuda::Library library(DROPNET_CUBLAS_LIBRARY, "");
  decltype(cudnnGetVersion)* function;
  CHECK_THROWS_WITH_AS(library.find("cudnnGetVersion", function), doctest::Contains("lacks cudnnGetVersion"), Error);
}

TEST_CASE("no plan with bias: it is added behind; no plan at all: the layer, the shapes and a way out are named") {
  const Turned turned;
  machine().capability = 7;  // without tensor cores for tf32 there are cuDNN's plans alone
  machine().refuse_plans = 1;
  test::check_values<Spec, In, Cuda, float>(Spec{}, {}, 3, true, 1e-5);
  test::check_values<Sequential<Conv<3, 3>, ReLU, Linear<2>>, In, Cuda, float>({}, {}, 3, true, 1e-5);
  machine().refuse_plans = 2;
  using Net = Network<Spec, In, Cuda>;
  Net net;
  Workspace<Net> ws(net, 5, Purpose::train);
  ws.add_gradients = true;
  net.forward(ws);
  try {
    net.backward(ws);
    FAIL("went through");
  } catch (const Error& e) {
    const std::string text = e.what();
    CHECK(text.find("no plan for the convolution's weight gradient of 5 x 2x6x6 to 3x4x4, kernel 3, stride 1, pad 0 within 256 MiB") != std::string::npos);
    CHECK(text.find("(layer conv1_1)") != std::string::npos);
  }
}

TEST_CASE("plans obey: no tensor cores in fp32, nothing random when deterministic, nothing beyond the workspace") {
  const cuda::Cudnn cudnn;
  const auto device = cuda::planning_device(cudnn, 0);
  const auto engines = [&](bool tf32, bool deterministic, std::size_t workspace) {
    std::string list;
    const cuda::ConvQuery query{cuda::ConvKind::backward_weights, {2, 3, 8, 8, 4, 6, 6, {3, 3}}, false, tf32, deterministic};
    for (const auto& plan : cuda::ConvGraph(cudnn, query).plans(device, workspace, 100)) list += std::to_string(plan.engine);
    return list;
  };
  // The stand-in's engines, by rank, in two modes: 1 is random, 2 has tensor cores, 3 is not supported.
  CHECK(engines(false, false, 1 << 20) == "0101");
  CHECK(engines(true, false, 1 << 20) == "012012");
  CHECK(engines(true, true, 1 << 20) == "0202");
  CHECK(engines(true, false, 1500) == "0101");
  CHECK(engines(true, false, 0) == "00");
}

TEST_CASE("one graph per degree of openness; the host waits at display and test alone") {
  std::vector<float> pixels(12 * In::size, 0.5f);
  const auto data = Dataset::floats(In{}, pixels, std::vector<int>(12, 1));
  using Grown2 = Sequential<DropIn<Conv<3, 3>, Conv<3, 3, Pad<1>>>, Linear<4>>;
  Network<Grown2, In, Cuda> net;
  const auto counts = [&](int start, int length, int iterations, std::int64_t display) {
    Trainer trainer{net, Sgd{}, Fixed{0.01f}, Gradual{.start = start, .length = length}};
    const standin::Machine before = machine();
    trainer.fit(data, {.batch = 4, .iterations = iterations, .display = display});
    return std::array{machine().graphs - before.graphs, machine().launches - before.launches, machine().waits - before.waits};
  };
  // Closed for 10 iterations, in part for 20, complete for 10: in each stretch one plain step, one recording.
  const auto [graphs, launches, waits] = counts(9, 21, 40, 0);
  CHECK(graphs == 3);
  CHECK(launches == 37);
  const auto more = counts(9, 21, 140, 0);
  CHECK(more[1] == 137);
  CHECK(more[2] == waits);  // a hundred iterations more, and not one wait
  const auto shown = counts(9, 21, 140, 10);
  CHECK(shown[2] == waits + 13);
}

TEST_CASE("batches that workers made are copied while the device works: the host never leaves it without work") {
  std::vector<std::uint8_t> pixels(700 * In::size, 7);
  const auto data = Dataset::bytes(In{}, pixels, std::vector<int>(700, 1));
  Network<Spec, In, Cuda> net;
  const auto idle = [&](int batch, int iterations) {
    Trainer trainer{net, Sgd{}, Fixed{0.01f}};
    const int before = machine().idle;
    trainer.fit(data, {.batch = batch, .iterations = iterations, .workers = 2});
    return machine().idle - before;
  };
  CHECK(idle(4, 103) == idle(4, 3));
  CHECK(idle(700, 13) == idle(700, 3));
}

TEST_CASE("a data set that the device cannot hold: the error says how to train nevertheless, and with workers it is so") {
  const Turned turned;
  std::vector<std::uint8_t> pixels(2000000 * In::size, 7);
  const auto data = Dataset::bytes(In{}, pixels, std::vector<int>(2000000, 1));
  Network<Spec, In, Cuda> net;
  machine().memory = machine().used + (std::size_t(100) << 20);
  Trainer trainer{net, Sgd{}, Fixed{0.01f}};
  CHECK_THROWS_WITH_AS(trainer.fit(data, {.batch = 4, .iterations = 2}),
                       doctest::Contains("free; with workers the device holds one batch instead of all images; or use a smaller batch"), Error);
  trainer.fit(data, {.batch = 4, .iterations = 2, .workers = 1});
  CHECK(trainer.iteration() == 2);
}
