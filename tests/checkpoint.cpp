#include <dropnet/snapshots.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "support/check.hpp"

using namespace dropnet;
namespace fs = std::filesystem;

namespace {

using In = Image<2, 6, 6>;
using Spec = Sequential<DropInStack<Conv<4, 3, Pad<1>>, Sequential<Conv<4, 3, Pad<1>>, BatchNorm, ReLU>, 2>, Dropout, Linear<3>>;
using Net = Network<Spec, In>;

const std::string place = "checkpoint_test";

struct Images {
  std::vector<float> pixels = test::random_values<float>(23 * In::size, 9);
  Dataset data;
  Images() {
    std::vector<int> labels;
    for (int n = 0; n < 23; ++n) labels.push_back(n % 3);
    data = Dataset::floats(In{}, pixels, labels);
  }
};

std::string bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
/// Of the weights and the momentum together.
std::string bytes_of(const Trainer<Net>& trainer) {
  save(trainer, place + "/bytes");
  return bytes(place + "/bytes/model.safetensors") + bytes(place + "/bytes/solver.safetensors");
}

struct Way {
  const char* name;
  Growth growth = Gradual{.start = 1, .length = 9};
  FitOptions options{.batch = 4};
  Sgd sgd{.momentum = 0.9f, .weight_decay = 1e-3f};
  LearningRate rate = Inverse{.base = 0.05f, .gamma = 0.1f};
};
std::vector<Way> ways() {
  std::vector<Way> all;
  for (const auto& [mask, name] : mask_names) {
    all.push_back({name, Gradual{.start = 1, .length = 9, .mask = mask}});
    all.push_back({name, Staggered{.start = 1, .length = 5, .gap = 3, .mask = mask}});
    all.push_back({name, BySite{{{0, 2, 6}, {1, 1, 20}}, mask}});
  }
  all.push_back({.name = "regularizing", .growth = Regularizing{0.4}});
  all.push_back({.name = "grown", .growth = Grown{}});
  all.push_back({.name = "accumulation", .options = {.batch = 3, .iter_size = 3}});
  all.push_back({.name = "augmentation", .options = {.batch = 5, .augmentation = {.pad = 2, .mirror = true}}});
  all.push_back({.name = "workers", .options = {.batch = 5, .augmentation = {.pad = 1}, .workers = 2}});
  all.push_back({.name = "nesterov, clipping, warm-up", .sgd = {.momentum = 0.9f, .clip = 0.5f, .bias_rate = 2, .bias_decay = 0, .nesterov = true},
                 .rate = WarmUp{.length = 9, .from = 0.1f, .then = Step{.base = 0.1f, .gamma = 0.5f, .step = 3}}});
  all.push_back({.name = "policies", .rate = MultiStep{.base = 0.05f, .gamma = 0.3f, .steps = {2, 7}}});
  return all;
}

struct Told : Observer {
  std::vector<std::int64_t> at;
  void snapshot(std::int64_t iteration) override { at.push_back(iteration); }
};

template <class Other>
void refuse(const std::string& path, const char* text) {
  Other net(Fill{}, Seed{5});
  Trainer<Other> trainer{net, Sgd{.momentum = 0.5f}, Fixed{0.02f}};
  const auto before = net.read(net.architecture().tensors[0]);
  CHECK_THROWS_WITH_AS(resume(trainer, path), doctest::Contains(text), Error);
  CHECK(net.read(net.architecture().tensors[0]) == before);
  CHECK(trainer.iteration() == 0);
  CHECK(trainer.learning_rate() == 0.02f);
}

struct Folder {
  Folder() {
    fs::remove_all(place);
    fs::create_directory(place);
  }
  ~Folder() { fs::remove_all(place); }
};

}  // namespace

TEST_CASE("checkpoint: a resumed run ends with the bytes of an unbroken one, on one thread and two") {
  const Folder folder;
  const Images images;
  for (const Way& way : ways()) {
    CAPTURE(way.name);
    const auto run = [&](Trainer<Net>& trainer, std::int64_t iterations, int threads) {
      FitOptions options = way.options;
      options.iterations = iterations;
      trainer.fit(images.data, options, Cpu(threads, 0));
    };
    Net whole(Fill{}, Seed{1});
    Trainer unbroken{whole, way.sgd, way.rate, way.growth, Seed{7}};
    run(unbroken, 12, 1);
    const std::string expected = bytes_of(unbroken);
    for (const std::int64_t k : {5, 8}) {
      Net first(Fill{}, Seed{1}), second(Fill{}, Seed{2});
      Trainer begun{first, way.sgd, way.rate, way.growth, Seed{7}};
      run(begun, k, 2);
      save(begun, place + "/at");
      Trainer resumed{second, Sgd{}, Fixed{0.5f}};
      resume(resumed, place + "/at");
      CHECK(resumed.iteration() == k);
      CHECK(bytes_of(resumed) == bytes_of(begun));
      run(resumed, 12 - k, k == 5 ? 1 : 2);
      CHECK(bytes_of(resumed) == expected);
    }
  }
}

TEST_CASE("checkpoint: every solver and schedule comes back from its JSON") {
  const std::vector<LearningRate> rates{Fixed{0.1f}, Step{0.1f, 0.3f, 7}, MultiStep{0.1f, 0.3f, {3, 5}}, Inverse{0.1f, 0.2f, 0.7f}, Exponential{0.1f, 0.99f},
                                        Polynomial{0.1f, 2, 50}, SigmoidDecay{0.1f, -0.3f, 20}, WarmUp{5, 0.1f, Polynomial{0.3f, 1.5f, 60}}};
  for (const auto& rate : rates) {
    LearningRate back = Fixed{9};
    detail::read_value(nlohmann::json::parse(detail::written(rate).dump()), back);
    CHECK(back.whole().then.index() == rate.whole().then.index());
    CHECK(back.whole().length == rate.whole().length);
    for (std::int64_t t : {0, 4, 5, 19, 70}) CHECK(rate_at(back, t) == rate_at(rate, t));
  }
  LearningRate rate;
  const auto bad = [&](const char* text) { return [&rate, text] { detail::read_value(nlohmann::json::parse(text), rate); }; };
  CHECK_THROWS_AS(bad(R"({"kind": "cosine"})")(), Error);
  CHECK_THROWS_AS(bad(R"({"kind": "step", "base": 1, "gamma": 1, "step": 1e30})")(), Error);
  CHECK_THROWS_AS(bad(R"({"kind": "step", "base": 1, "gamma": 1, "step": 18446744073709551615})")(), Error);
  CHECK_THROWS_AS(bad(R"({"kind": "step", "base": 1})")(), nlohmann::json::exception);
  Growth growth;
  CHECK_THROWS_AS(detail::read_value(nlohmann::json::parse(R"({"kind": "gradual", "start": 0, "length": 1, "mask": "half"})"), growth), Error);
}

TEST_CASE("checkpoint: what is no checkpoint of this network is refused, and changes nothing") {
  const Folder folder;
  const Images images;
  Net net(Fill{}, Seed{1});
  Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.01f}, Gradual{.length = 10}};
  trainer.fit(images.data, {.batch = 4, .iterations = 3});
  const std::string good = place + "/good";
  save(trainer, good, {.mean = std::vector<float>(In::size, 0.5f), .notes = {{"a", "b"}}});
  save_weights(net, place + "/alone.safetensors");

  refuse<Net>(place + "/none", "there is no such checkpoint");
  refuse<Net>(place + "/alone.safetensors", "weights alone cannot be resumed from");
  fs::create_directory(place + "/half");
  refuse<Net>(place + "/half", "its solver.safetensors is missing");
  fs::copy(place + "/alone.safetensors", place + "/half/model.safetensors");
  refuse<Net>(place + "/half", "a model without the solver's state");
  fs::copy(good + "/solver.safetensors", place + "/half/solver.safetensors");
  refuse<Net>(place + "/half", "not of the same iteration");
  using Deeper = Sequential<DropInStack<Conv<4, 3, Pad<1>>, Sequential<Conv<4, 3, Pad<1>>, BatchNorm, ReLU>, 3>, Dropout, Linear<3>>;
  refuse<Network<Deeper, In>>(good, "conv1_4.weight: 4x4x3x3 in the network, not in the file");
  using Shallower = Sequential<DropInStack<Conv<4, 3, Pad<1>>, Sequential<Conv<4, 3, Pad<1>>, BatchNorm, ReLU>, 1>, Dropout, Linear<3>>;
  refuse<Network<Shallower, In>>(good, "in the file, not in the network");
  using Wider = Sequential<DropInStack<Conv<4, 3, Pad<1>>, Sequential<Conv<4, 3, Pad<1>>, BatchNorm, ReLU>, 2>, Dropout, Linear<5>>;
  refuse<Network<Wider, In>>(good, "5x144 in the network, 3x144 in the file");
  using Other = Sequential<DropInStack<Conv<4, 3, Pad<1>>, Sequential<Conv<4, 3, Pad<1>>, BatchNorm, Tanh>, 2>, Dropout, Linear<3>>;
  refuse<Network<Other, In>>(good, "other layers between them");
  refuse<Network<Spec, In, Cpu, double>>(good, "computes in F64");

  // Cut off anywhere, or with another header, it is refused.
  const std::string solver = bytes(good + "/solver.safetensors"), model = bytes(good + "/model.safetensors");
  fs::copy(good, place + "/broken");
  const auto put = [&](const char* name, const std::string& content) { std::ofstream(place + "/broken/" + name, std::ios::binary) << content; };
  for (std::size_t length = 0; length < solver.size(); length += 131) {
    put("solver.safetensors", solver.substr(0, length));
    refuse<Net>(place + "/broken", "solver.safetensors");
  }
  const auto changed = [&](const std::string& from, const std::string& to, const char* text) {
    std::string other = solver;
    const auto at = other.find(from);
    REQUIRE(at != std::string::npos);
    REQUIRE(from.size() == to.size());
    put("solver.safetensors", other.replace(at, from.size(), to));
    refuse<Net>(place + "/broken", text);
  };
  changed(R"("checkpoint_format":"1")", R"("checkpoint_format":"2")", "format 2; this version of dropnet reads 1 to 1");
  changed(R"("iteration":"3")", R"("iteration":"x")", "cannot be read");
  changed(R"("iteration":"3")", R"("iteration":"4")", "not of the same iteration");
  changed("gradual", "glacial", "'glacial' is none that this version knows");
  changed(R"(\"length\":10)", R"(\"length\":-1)", "length is -1");
  put("solver.safetensors", solver);
  for (std::size_t length = 0; length < model.size(); length += 131) {
    put("model.safetensors", model.substr(0, length));
    refuse<Net>(place + "/broken", "model.safetensors");
  }

  Net again;
  Trainer resumed{again, Sgd{}, Fixed{}};
  const auto extras = resume(resumed, good + "/");
  CHECK(extras.mean == std::vector<float>(In::size, 0.5f));
  CHECK(extras.notes.at("a") == "b");
  const Dataset fewer = images.data.first(20);
  CHECK_THROWS_WITH_AS(resumed.fit(fewer, {.batch = 4, .iterations = 1}), doctest::Contains("training images is 20 but was 23"), Error);
  CHECK_THROWS_WITH_AS(resumed.fit(images.data, {.batch = 5, .iterations = 1}), doctest::Contains("batch is 5 but was 4"), Error);
  CHECK_THROWS_WITH_AS(resumed.fit(images.data, {.batch = 4, .iter_size = 2, .iterations = 1}), doctest::Contains("iter_size"), Error);
  CHECK_THROWS_WITH_AS(resumed.fit(images.data, {.batch = 4, .iterations = 1, .augmentation = {.mirror = true}}), doctest::Contains("mirror"), Error);
  resumed.fit(images.data, {.batch = 4, .iterations = 1});
  resumed.fit(images.data, {.batch = 5, .iterations = 1});  // only where it goes on from the checkpoint
}

TEST_CASE("checkpoint: an older one stays until the new one is whole") {
  const Folder folder;
  Net net(Fill{}, Seed{1});
  Trainer trainer{net, Sgd{}, Fixed{0.01f}};
  const std::string path = place + "/at";
  save(trainer, path);
  const std::string before = bytes(path + "/model.safetensors");
  net.write(net.architecture().tensors[0], std::vector<float>(net.architecture().tensors[0].size, 1.0f));
  fs::create_directory(path + ".part");  // left by a run that was killed
  std::ofstream(path + ".part/model.safetensors") << "half";
  save(trainer, path);
  CHECK(bytes(path + "/model.safetensors") != before);
  CHECK_FALSE(fs::exists(path + ".part"));
  CHECK_THROWS_WITH_AS(save(trainer, place + "/no/folder"), doctest::Contains("no/folder.part: cannot be made"), Error);
  CHECK_THROWS_WITH_AS(save(trainer, path, {.mean = {1, 2}}), doctest::Contains("a mean of 2 values"), Error);
  CHECK(fs::exists(path + "/solver.safetensors"));
}

TEST_CASE("fit tells when to save: each interval, at the end, and when it is stopped") {
  const Images images;
  Net net(Fill{}, Seed{1});
  Trainer trainer{net, Sgd{}, Fixed{0.01f}};
  Told told;
  trainer.fit(images.data, {.batch = 4, .iterations = 7, .observers = {&told}, .snapshot_interval = 3});
  CHECK(told.at == std::vector<std::int64_t>{3, 6, 7});
  told.at.clear();
  int asked = 0;
  trainer.fit(images.data, {.batch = 4, .iterations = 9, .observers = {&told}, .stop = [&] { return ++asked == 2; }});
  CHECK(trainer.iteration() == 9);
  CHECK(told.at == std::vector<std::int64_t>{9});

  // The loss is finite once more, but the step made weights that are not: they are not to be saved.
  told.at.clear();
  std::vector<float> bright(images.pixels);
  for (float& v : bright) v *= 1e4f;
  const auto data = Dataset::floats(In{}, bright, {images.data.labels().begin(), images.data.labels().end()});
  Network<Sequential<Conv<4, 3>, Linear<3>>, In> steep;
  Trainer wild{steep, Sgd{}, Fixed{3e38f}};
  CHECK_THROWS_WITH_AS(wild.fit(data, {.batch = 4, .iterations = 1, .observers = {&told}, .snapshot_interval = 1}), doctest::Contains("conv1_1.weight is not finite any more"), Diverged);
  CHECK(told.at.empty());
}

TEST_CASE("snapshots: the last ones and the best are kept, and the links lead to them") {
  const Folder folder;
  Net net(Fill{}, Seed{1});
  Trainer trainer{net, Sgd{}, Fixed{0.01f}};
  const auto names = [] {
    std::string all;
    for (std::int64_t i = 0; i < 100; ++i)
      if (char text[20]; std::snprintf(text, sizeof text, "iter_%06d", int(i)) && fs::exists(place + "/" + text)) all += std::to_string(i) + " ";
    return all;
  };
  const auto at = [&](auto& snapshots, std::int64_t iteration, double accuracy) {
    auto state = trainer.state();
    state.iteration = iteration;
    trainer.restore(state);
    if (accuracy >= 0) snapshots.record({.iteration = iteration, .phase = Record::test, .accuracy = accuracy});
    snapshots.snapshot(iteration);
  };
  {
    Snapshots snapshots(trainer, place, 2);
    at(snapshots, 1, 0.5);
    at(snapshots, 2, -1);
    CHECK(names() == "1 2 ");
    at(snapshots, 3, 0.75);
    at(snapshots, 4, 0.75);
    at(snapshots, 5, 0.25);
    at(snapshots, 6, -1);
    CHECK(names() == "3 5 6 ");
    CHECK(fs::read_symlink(place + "/latest") == "iter_000006");
    CHECK(fs::read_symlink(place + "/best") == "iter_000003");
  }
  // A resumed run knows the best and goes on keeping.
  const auto extras = resume(trainer, place + "/latest");
  CHECK(trainer.iteration() == 6);
  {
    Snapshots snapshots(trainer, place, 2, extras);
    at(snapshots, 7, 0.7);
    CHECK(names() == "3 6 7 ");
    at(snapshots, 8, 0.8);
    CHECK(names() == "7 8 ");
    CHECK(fs::read_symlink(place + "/best") == "iter_000008");
  }
  Trainer fresh{net, Sgd{}, Fixed{0.01f}};
  CHECK_THROWS_WITH_AS(Snapshots(fresh, place, 2), doctest::Contains("of another run"), Error);
  fs::remove(place + "/latest");  // killed between its first checkpoint and the link
  CHECK_THROWS_WITH_AS(Snapshots(fresh, place, 2), doctest::Contains(("resume from " + place + "/iter_000008").c_str()), Error);
  CHECK_THROWS_WITH_AS(Snapshots(fresh, place + "/none", 2), doctest::Contains("cannot be read"), Error);
}

namespace {

/// Two runs whose checkpoints at iteration 6, as this version's format 1 has them, lie in tests/golden/checkpoints.
std::vector<Way> golden_ways() {
  return {{"gradual", Gradual{.start = 1, .length = 9, .mask = Mask::bernoulli}, {.batch = 4}},
          {.name = "by_site", .growth = BySite{{{0, 2, 6}, {1, 1, 20}}, Mask::channel}, .options = {.batch = 3, .iter_size = 2, .augmentation = {.pad = 1, .mirror = true}},
           .sgd = {.momentum = 0.8f, .clip = 2, .bias_rate = 2, .nesterov = true}, .rate = WarmUp{.length = 4, .from = 0.5f, .then = MultiStep{0.02f, 0.5f, {5, 8}}}}};
}
std::string golden(const Way& way) { return std::string(DROPNET_SOURCE "/tests/golden/checkpoints/1_") + way.name; }
void go_on(Trainer<Net>& trainer, const Way& way, std::int64_t iterations) {
  FitOptions options = way.options;
  options.iterations = iterations;
  trainer.fit(Images().data, options, Cpu(1));
}
/// Outputs after iteration 9 of the run that wrote the checkpoint.
const std::map<std::string, std::vector<float>> golden_outputs{
    {"gradual", {-0.022100823f, -0.549977303f, 0.217432231f}}, {"by_site", {-1.22186351f, -0.616402924f, 0.240314946f}}};

}  // namespace

// Wrote them: test.checkpoint --no-skip -tc="write the golden checkpoints". Not to be run again for format 1.
TEST_CASE("write the golden checkpoints" * doctest::skip()) {
  for (const Way& way : golden_ways()) {
    Net net(Fill{}, Seed{1});
    Trainer trainer{net, way.sgd, way.rate, way.growth, Seed{7}};
    go_on(trainer, way, 6);
    save(trainer, golden(way), {.mean = std::vector<float>(In::size, 0.25f), .notes = {{"flags", "{}"}}});
    go_on(trainer, way, 3);
    std::printf("{\"%s\", {", way.name);
    for (const float v : test::outputs(net, 1)) std::printf("%.9gf, ", double(v));
    std::printf("}}\n");
  }
}

TEST_CASE("checkpoint: those of the first version are read, and training goes on from them as it did") {
  for (const Way& way : golden_ways()) {
    CAPTURE(way.name);
    Net net(Fill{}, Seed{3});
    Trainer trainer{net, Sgd{}, Fixed{}};
    const auto extras = resume(trainer, golden(way));
    CHECK(trainer.iteration() == 6);
    CHECK(trainer.state().growth.index() == way.growth.index());
    CHECK(trainer.learning_rate() == rate_at(way.rate, 6));
    CHECK(extras.mean == std::vector<float>(In::size, 0.25f));
    CHECK(extras.notes.at("flags") == "{}");
    go_on(trainer, way, 3);
    CHECK(test::distance(test::outputs(net, 1), golden_outputs.at(way.name)) < 1e-4);  // another processor rounds otherwise
  }
}
