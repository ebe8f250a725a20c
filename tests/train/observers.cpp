#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

using In = Image<1, 5, 5>;
using Spec = Sequential<DropInStack<Conv<3, 3>, Sequential<Conv<3, 3, Pad<1>>, ReLU>, 2>, Linear<2>>;

struct Images {
  std::vector<float> pixels = test::random_values<float>(12 * In::size, 9);
  Dataset data = Dataset::floats(In{}, pixels, {0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1});
};
std::string content(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
std::vector<std::vector<std::string>> cells(const std::string& text) {
  std::vector<std::vector<std::string>> rows;
  std::stringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    auto& row = rows.emplace_back();
    std::stringstream parts(line + ",");
    for (std::string part; std::getline(parts, part, ',');) row.push_back(part);
  }
  return rows;
}
struct Told : Observer {
  std::vector<std::int64_t> at;
  std::vector<LayerNorms> last;
  void norms(std::int64_t iteration, const std::vector<LayerNorms>& layers) override {
    at.push_back(iteration);
    last = layers;
  }
};

}  // namespace

TEST_CASE("norms: of what each layer holds, and looking changes no byte") {
  const Images images;
  const auto run = [&](std::int64_t interval, Observer& observer, int iter_size) {
    Network<Spec, In> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.05f}, Staggered{.start = 0, .length = 4, .gap = 4}};
    trainer.fit(images.data, {.batch = 4, .iter_size = iter_size, .iterations = 7, .observers = {&observer}, .norms_interval = interval});
    std::vector<float> all;
    for (const auto& t : net.architecture().tensors) {
      const auto w = net.read(t);
      all.insert(all.end(), w.begin(), w.end());
    }
    return all;
  };
  Told told, none;
  CHECK(run(3, told, 1) == run(0, none, 1));
  CHECK(run(2, told, 3) == run(0, none, 3));
  CHECK(none.at.empty());
  CHECK(told.at == std::vector<std::int64_t>{0, 3, 6, 0, 2, 4, 6});
  NormsCsv csv("norms_test.csv");
  run(5, csv, 1);
  const auto rows = cells(content("norms_test.csv"));
  CHECK(rows[0] == std::vector<std::string>{"iteration", "layer", "activation", "gradient", "weight", "weight_gradient"});
  REQUIRE(rows.size() == 1 + 2 * 8);
  CHECK(rows[1][1] == "conv1_1");
  for (std::size_t k = 2; k < 6; ++k) CHECK(std::stod(rows[1][k]) > 0);
  CHECK(rows[2][1] == "conv1_2");  // not there yet at iteration 0
  for (std::size_t k = 2; k < 6; ++k) CHECK(rows[2].at(k) == "");
  CHECK(rows[9 + 1][0] == "5");
  CHECK(std::stod(rows[9 + 1][3]) > 0);
  // A run that goes on behind iteration 5 writes that one anew.
  { const NormsCsv again("norms_test.csv", 5); }
  CHECK(cells(content("norms_test.csv")).size() == 1 + 8);
  std::remove("norms_test.csv");
}

TEST_CASE("a gradient that does not reach the first layer three times in a row stops a run that asks") {
  const Images images;
  const auto run = [&](float first_bias, std::int64_t interval) {
    using Dying = Sequential<Linear<3>, ReLU, Linear<2>>;
    Network<Dying, In> net(Fill{}, Seed{1});
    for (const auto& t : net.architecture().tensors)
      if (t.name == "fc1.bias") net.write(t, std::vector<float>(t.size, first_bias));
    Trainer trainer{net, Sgd{}, Fixed{0.01f}};
    VanishedGradient vanished;
    trainer.fit(images.data, {.batch = 4, .iterations = 12, .observers = {&vanished}, .norms_interval = interval, .stop = [&] { return vanished.found(); }});
    return trainer.iteration();
  };
  CHECK(run(-1000, 2) == 5);  // looks at 0, 2 and 4
  CHECK(run(-1000, 0) == 12);
  CHECK(run(0, 1) == 12);
  VanishedGradient twice(2);
  const auto look = [&](double gradient) { twice.norms(0, {{.name = "frozen"}, {.name = "conv1", .weight_gradient = gradient}}); };
  for (const double gradient : {0.0, 1e-30, 0.0}) look(gradient);
  CHECK(!twice.found());
  look(0);
  CHECK(twice.found());
}

namespace {
/// Of a training pass over three images.
template <class Net>
auto norms_of(const Net& net, Workspace<Net>& ws) {
  const Images images;
  ws.load(std::span(images.pixels).first(3 * In::size));
  ws.load_labels(std::vector<int>{0, 1, 0});
  ws.begin(net, {.training = true});
  detail::NormsProbe probe(net, ws.backend());
  queue_train_pass(net, ws, &probe);
  return std::move(probe).with_weights(ws);
}
}  // namespace

TEST_CASE("norms: Euclidean, over the batch") {
  Network<Linear<2>, In> net(Fill{}, Seed{1});
  Workspace ws(net, 3, Purpose::train);
  const auto norms = norms_of(net, ws);
  REQUIRE(norms.size() == 1);
  const auto of = [](const auto& values) {
    double sum = 0;
    for (double v : values) sum += v * v;
    return std::sqrt(sum);
  };
  std::vector<float> y(6), dw, w;
  ws.outputs(y);
  CHECK(norms[0].activation == doctest::Approx(of(y)));
  CHECK(norms[0].gradient == doctest::Approx(of(test::read(ws.diffs(), ws.output().diff, 6))));
  for (const auto& t : net.architecture().tensors) {
    for (float v : net.read(t)) w.push_back(v);
    for (float v : test::read(ws.gradients(), ws.gradients().data() + t.offset, t.size)) dw.push_back(v);
  }
  CHECK(norms[0].weight == doctest::Approx(of(w)));
  CHECK(norms[0].weight_gradient == doctest::Approx(of(dw)));
}

TEST_CASE("norms: what is not let in counts as zeros, whatever memory holds there") {
  Network<Sequential<DropIn<Identity, Conv<In::channels, 3, Pad<1>>>, Linear<2>>, In> net(Fill{}, Seed{1});
  net.shares()[0] = {0.1, Mask::channel};  // not one whole channel
  Workspace ws(net, 3, Purpose::train);
  test::fill(ws.activations(), test::nan);
  const auto norms = norms_of(net, ws);
  REQUIRE(norms.size() == 3);
  CHECK(norms[0].name == "conv1_1");
  CHECK(norms[0].activation == 0);
  CHECK(norms[1].activation > 0);
}

TEST_CASE("JSON lines: a record a line, cut back when a run goes on") {
  {
    JsonLines lines("lines_test.jsonl");
    lines.record({.iteration = 10, .loss = 0.5, .accuracy = std::nan(""), .learning_rate = 0.01});
    lines.record({.iteration = 20, .phase = Record::test, .loss = 0.25, .accuracy = 0.75});
    lines.record({.iteration = 30, .loss = 0.125});
  }
  std::ofstream("lines_test.jsonl", std::ios::app) << "{\"iteration\": 2";  // the disk was full here
  {
    JsonLines lines("lines_test.jsonl", 20);
    lines.record({.iteration = 25, .loss = 1});
  }
  std::stringstream text(content("lines_test.jsonl"));
  std::vector<nlohmann::json> all;
  for (std::string line; std::getline(text, line);) all.push_back(nlohmann::json::parse(line));
  REQUIRE(all.size() == 3);
  CHECK(all[0]["accuracy"].is_null());
  CHECK(all[0]["phase"] == "train");
  CHECK(all[1]["accuracy"] == 0.75);
  CHECK(all[1]["phase"] == "test");
  CHECK(all[2]["iteration"] == 25);
  std::remove("lines_test.jsonl");
}

TEST_CASE("CRC-32C as the standard has it") {
  // RFC 3720, B.4: 32 zeros give 8a9136aa; TensorFlow's mask turns it by 15 bits and adds a constant.
  const std::uint32_t crc = 0x8a9136aau;
  CHECK(detail::masked_crc(std::string(32, '\0')) == ((crc >> 15) | (crc << 17)) + 0xa282ead8u);
  CHECK(detail::varint(300) == "\xac\x02");
}
