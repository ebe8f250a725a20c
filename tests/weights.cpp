#include <dropnet/weights.hpp>
#include <fstream>

#include "support/check.hpp"

using namespace dropnet;
using In = Image<1, 6, 6>;
template <int N>
using Net = Network<Sequential<DropInStack<Conv<3, 3>, Conv<3, 3, Pad<1>>, N>, Linear<4>>, In>;

namespace {
const std::string path = "weights_test.safetensors";
struct Cleanup {
  ~Cleanup() { std::remove(path.c_str()); }
} cleanup;

std::string file(const std::string& json, const std::string& data) {
  const std::uint64_t n = json.size();
  return std::string(reinterpret_cast<const char*>(&n), 8) + json + data;
}
void refuse(const std::string& bytes, const char* why) {
  std::ofstream(path, std::ios::binary) << bytes;
  Net<1> net(Fill{}, Seed{1});
  const auto before = test::outputs(net);
  CHECK_THROWS_WITH_AS(load_weights(net, path), doctest::Contains(why), Error);
  CHECK(test::outputs(net) == before);
}
}  // namespace

TEST_CASE("weights: written and read again, with how far the network has grown") {
  Net<2> net(Fill{}, Seed{1});
  net.shares()[0] = {0.25, Mask::bernoulli};
  save_weights(net, path);
  Net<2> other(Fill{}, Seed{2});
  CHECK(test::outputs(net) != test::outputs(other));
  const auto report = load_weights(other, path);
  CHECK(report.complete());
  CHECK(report.unused.empty());
  CHECK(report.copied.size() == 8);
  CHECK(test::outputs(net) == test::outputs(other));
  CHECK(other.shares()[0].p == 0.25);
  CHECK(other.shares()[0].mask == Mask::bernoulli);
}

TEST_CASE("weights: the format is safetensors") {
  Net<1> net(Fill{}, Seed{1});
  save_weights(net, path);
  std::ifstream in(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::uint64_t n = 0;
  std::memcpy(&n, bytes.data(), 8);
  CHECK(n % 8 == 0);
  const auto header = nlohmann::json::parse(bytes.substr(8, n));
  const auto& entry = header.at("conv1_2.weight");
  CHECK(entry.at("dtype") == "F32");
  CHECK(entry.at("shape") == std::vector<int>{3, 3, 3, 3});
  const auto& t = net.architecture().tensors[2];
  REQUIRE(t.name == "conv1_2.weight");
  std::vector<float> values(t.size);
  std::memcpy(values.data(), bytes.data() + 8 + n + entry.at("data_offsets")[0].get<std::size_t>(), t.size * 4);
  CHECK(values == net.read(t));
}

TEST_CASE("weights: a shallow network's go into the deep one, and what does not fit is listed") {
  Net<0> small(Fill{}, Seed{1});
  save_weights(small, path);
  Net<1> deep(Fill{}, Seed{2});
  const auto report = load_weights(deep, path);
  CHECK(report.copied == std::vector<std::string>{"conv1_1.weight", "conv1_1.bias", "fc2.weight", "fc2.bias"});
  CHECK(report.missing == std::vector<std::string>{"conv1_2.weight", "conv1_2.bias"});
  deep.shares()[0].p = 0;
  CHECK(test::outputs(deep) == test::outputs(small));

  Network<Sequential<Conv<3, 2>, Linear<4>>, In> other;
  const auto partly = load_weights(other, path);
  CHECK(partly.unfitting == std::vector<std::string>{"conv1_1.weight: 3x1x2x2 in the network, 3x1x3x3 in the file", "fc2.weight: 4x75 in the network, 4x48 in the file"});
  CHECK(partly.copied == std::vector<std::string>{"conv1_1.bias", "fc2.bias"});
}

TEST_CASE("weights: double networks read float files") {
  Net<1> net(Fill{}, Seed{1});
  save_weights(net, path);
  Network<Net<1>::spec_type, In, Cpu, double> wide;
  CHECK(load_weights(wide, path).complete());
  CHECK(float(wide.read(wide.architecture().tensors[0])[3]) == net.read(net.architecture().tensors[0])[3]);
}

TEST_CASE("weights: damaged files are refused and change nothing") {
  Net<1> net(Fill{}, Seed{1});
  save_weights(net, path);
  std::ifstream in(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t length = 0; length < good.size(); length += length < 1000 ? 1 : 97) refuse(good.substr(0, length), path.c_str());
  refuse("not a file of weights", "offset 0: a header of");
  refuse(file("[1]", ""), "not a JSON object");
  refuse(file("{\"a\": 1}", ""), "does not follow");
  refuse(file(R"({"a": {"dtype": "I8", "shape": [1], "data_offsets": [0, 1]}})", "x"), "type I8");
  refuse(file(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}})", "1234"), "does not fit the bytes");
  refuse(file(R"({"a": {"dtype": "F32", "shape": [65536, 65536, 65536, 65536], "data_offsets": [0, 4]}})", "1234"), "does not fit the bytes");
  refuse(file(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}})", "1234"), "outside the file");
  refuse(file(R"({"a": {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]}})", "1234"), "");
  refuse(file(R"({"__metadata__": {"dropin_p": "[7]", "dropin_mask": "[\"unit\"]"}})", ""), "outside [0, 1]");
  refuse(file(R"({"__metadata__": {"dropin_p": "[1]", "dropin_mask": "[\"half\"]"}})", ""), "'half', which is no mask");
  refuse(file(R"({"__metadata__": {"dropin_p": "x"}})", ""), "damaged");
  CHECK_THROWS_WITH_AS(load_weights(net, "no_such_file"), doctest::Contains("cannot be opened"), Error);
  CHECK_THROWS_WITH_AS(save_weights(net, "no/such/folder/file"), doctest::Contains("cannot be opened: No such file or directory"), Error);
}

TEST_CASE("weights: running statistics, every mask and the mean image come back") {
  using Spec = Sequential<DropIn<Conv<3, 3, Pad<1>>, Sequential<Conv<3, 3, Pad<1>>, BatchNorm>>, Linear<2>>;
  Network<Spec, In> net(Fill{}, Seed{1}), other(Fill{}, Seed{2});
  for (const auto& t : net.architecture().tensors)
    if (t.is_statistic) net.write(t, std::vector<float>(t.size, 2.5f));
  std::vector<float> mean(In::size);
  for (std::size_t i = 0; i < mean.size(); ++i) mean[i] = float(i);
  for (const Mask mask : {Mask::unit, Mask::channel, Mask::bernoulli, Mask::blend}) {
    net.shares()[0] = {0.25, mask};
    save_weights(net, path, mean);
    const auto report = load_weights(other, path);
    CHECK(report.complete());
    CHECK(report.unused.empty());
    CHECK(report.mean == mean);
    CHECK(other.shares()[0].mask == mask);
    CHECK(test::outputs(other) == test::outputs(net));
  }
  Network<Spec, Image<2, 6, 6>> elsewhere;
  CHECK(load_weights(elsewhere, path).mean.empty());
  CHECK_THROWS_WITH_AS(save_weights(net, path, std::vector<float>(3)), doctest::Contains("a mean of 3 values"), Error);
}

TEST_CASE("weights: a trained body, frozen, under a new head") {
  using Body = Sequential<Conv<3, 3>, BatchNorm, ReLU, Conv<4, 3>>;
  const auto pixels = test::random_values<float>(8 * In::size, 3);
  const auto data = Dataset::floats(In{}, pixels, {0, 1, 0, 1, 0, 1, 0, 1});
  Network<Sequential<Conv<3, 3>, BatchNorm, ReLU, Conv<4, 3>, Linear<5>>, In> whole(Fill{}, Seed{1});
  Trainer first{whole, Sgd{.momentum = 0.9f}, Fixed{0.01f}};
  first.fit(data, {.batch = 4, .iterations = 5});
  save_weights(whole, path);
  Network<Sequential<Frozen<Body>, Linear<2>>, In> tuned(Fill{}, Seed{2});
  const auto report = load_weights(tuned, path);
  CHECK(report.copied.size() == 8);
  CHECK(report.unfitting.size() == 2);  // the head's
  const double before = evaluate(tuned, data).loss;
  Trainer second{tuned, Sgd{.momentum = 0.9f}, Fixed{0.05f}};
  second.fit(data, {.batch = 8, .iterations = 60});
  CHECK(evaluate(tuned, data).loss < before);
  for (std::size_t i = 0; i < 8; ++i) CHECK(tuned.read(tuned.architecture().tensors[i]) == whole.read(whole.architecture().tensors[i]));
}
