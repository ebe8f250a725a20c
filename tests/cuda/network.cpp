// Whole networks and trainings on the CUDA backend beside the CPU's.

#include <dropnet/checkpoint.hpp>
#include <dropnet/cuda.hpp>
#include <filesystem>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

using In = Image<1, 14, 14>;
using Spec = Sequential<DropInStack<Conv<4, 3, Stride<2>>, Sequential<Conv<4, 3, Pad<1>>, ReLU>, Dynamic>, MaxPool<2>, Dropout,
                        DropIn<Linear<20>, Sequential<ReLU, Linear<20>>>, ReLU, Linear<4>>;

Spec spec(double ratio = 0.2) {
  Spec s;
  s.head.count = 3;
  s.tail.tail.head.ratio = ratio;
  return s;
}

/// Images that are bright in one quarter, by their label.
struct Quarters {
  std::vector<std::uint8_t> pixels;
  Dataset data;
  Quarters() {
    std::vector<int> labels;
    const auto noise = test::random_values<float>(96 * In::size, 7);
    for (int n = 0; n < 96; ++n) {
      labels.push_back(n % 4);
      for (std::size_t i = 0; i < In::size; ++i) {
        const bool bright = int(i / 14 / 7) * 2 + int(i % 14 / 7) == n % 4;
        pixels.push_back(std::uint8_t(std::clamp(60 + 25 * noise[std::size_t(n) * In::size + i] + (bright ? 50 : 0), 0.0f, 255.0f)));
      }
    }
    data = Dataset::bytes(In{}, pixels, labels);
  }
};

struct Trained {
  std::vector<float> weights;
  std::vector<Record> records;
};

template <class Backend>
Trained trained(Backend backend, const Growth& growth, std::int64_t iterations, Sgd sgd = {.momentum = 0.9f, .weight_decay = 1e-3f, .bias_rate = 2}) {
  struct Notes : Observer {
    std::vector<Record> records;
    void record(const Record& r) override { records.push_back(r); }
  } notes;
  const Quarters q;
  Network<Spec, In, Backend> net(spec(), Fill{.added = Xavier{}}, Seed{3});
  Trainer trainer{net, sgd, Step{0.02f, 0.5f, 120}, growth, Seed{5}};
  trainer.fit(q.data, {.batch = 20, .iterations = iterations, .test = &q.data, .test_interval = 100, .display = 25, .observers = {&notes}}, std::move(backend));
  return {test::weights(net), notes.records};
}

}  // namespace

TEST_CASE("a network's error beside the double Reference is at most four times the CPU float's") {
  const std::vector<Share> shares{{1}, {0.5}, {0.25, Mask::bernoulli}, {0.7}};
  const auto error = [&](auto& run, auto& expected) {
    struct Errors {
      double output, input, weights;
    };
    run.backward();
    expected.backward();
    const auto gradients = [](auto& r) { return test::read(r.ws.gradients(), r.ws.gradients().data(), r.ws.gradients().size()); };
    auto found = gradients(run);
    auto truth = gradients(expected);
    for (std::size_t i = 0; i < truth.size(); ++i)
      if (std::isnan(truth[i])) truth[i] = 0, found[i] = 0;  // padding between the tensors
    return Errors{test::distance(run.output(), expected.output()), test::distance(run.input_gradient(), expected.input_gradient()),
                  test::distance(found, truth)};
  };
  const auto s = spec();
  const auto reference = test::checked_pass<Spec, In, Reference, double>(s, shares, 16, true);
  const auto cpu = test::checked_pass<Spec, In, Cpu, float>(s, shares, 16, true);
  const auto cuda = test::checked_pass<Spec, In, Cuda, float>(s, shares, 16, true);
  for (const auto& t : reference->architecture().tensors) {
    const auto w = cpu->read(t);
    reference->write(t, std::vector<double>(w.begin(), w.end()));
  }
  for (auto* values : {&reference->x, &reference->coefficients})
    for (auto& v : *values) v = double(float(v));
  const auto expected = error(*cpu, *reference);
  const auto found = error(*cuda, *reference);
  CHECK(found.output <= 4 * expected.output);
  CHECK(found.input <= 4 * expected.input);
  CHECK(found.weights <= 4 * expected.weights);
}

TEST_CASE("200 iterations beside the CPU's: all there from the start, growing, growing one by one, at random" * doctest::skip(DROPNET_LIGHT)) {
  for (const Growth& growth : {Growth{Grown{}}, Growth{Gradual{.start = 20, .length = 100}}, Growth{Staggered{10, 30, 20}},
                               Growth{Gradual{.start = 20, .length = 150, .mask = Mask::bernoulli}}, Growth{Regularizing{0.5}}}) {
    const auto there = trained(Cuda{}, growth, 200), here = trained(Cpu{}, growth, 200);
    REQUIRE(there.records.size() == here.records.size());
    for (std::size_t i = 0; i < here.records.size(); ++i) {
      const Record &a = there.records[i], &b = here.records[i];
      CHECK(a.iteration == b.iteration);
      CHECK(a.phase == b.phase);
      CHECK(a.p == b.p);
      CHECK(a.learning_rate == b.learning_rate);
      CHECK(a.loss == doctest::Approx(b.loss).epsilon(0.02));
    }
    CHECK(test::distance(there.weights, here.weights) < 0.02);
    CHECK(here.records.back().accuracy > 0.9);
  }
}

TEST_CASE("a replayed graph computes what plain launches do, also in the middle of a ramp") {
  for (const Growth& growth : {Growth{Staggered{3, 10, 7}}, Growth{Gradual{.start = 2, .length = 40, .mask = Mask::bernoulli}}}) {
    const Sgd sgd{.momentum = 0.9f, .clip = 0.5f};
    const auto replayed = trained(Cuda({.deterministic = true}), growth, 60, sgd);
    const auto plain = trained(Cuda({.deterministic = true, .graphs = false}), growth, 60, sgd);
    CHECK(replayed.weights == plain.weights);
    CHECK(replayed.records.back().loss == plain.records.back().loss);
  }
}

TEST_CASE("deterministic: the same bytes from run to run") {
  const Growth growth = Gradual{.start = 5, .length = 50};
  CHECK(trained(Cuda({.deterministic = true}), growth, 80).weights == trained(Cuda({.deterministic = true}), growth, 80).weights);
}

TEST_CASE("fit in pieces equals fit at once") {
  const Quarters q;
  const auto run = [&](std::vector<int> pieces) {
    Network<Spec, In, Cuda> net(spec(), Fill{}, Seed{3});
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.05f}, Gradual{.start = 4, .length = 20}, Seed{5}};
    for (int n : pieces) trainer.fit(q.data, {.batch = 10, .iterations = n}, Cuda({.deterministic = true}));
    return test::weights(net);
  };
  CHECK(run({30}) == run({7, 1, 22}));
}

TEST_CASE("iter_size: as on the CPU, recorded and not") {
  const Quarters q;
  const auto run = [&](auto backend) {
    Network<Spec, In, decltype(backend)> net(spec(), Fill{.added = Xavier{}}, Seed{3});
    Trainer trainer{net, Sgd{.momentum = 0.9f, .clip = 1}, Fixed{0.02f}, Gradual{.start = 4, .length = 20, .mask = Mask::blend}, Seed{5}};
    trainer.fit(q.data, {.batch = 5, .iter_size = 3, .iterations = 30}, std::move(backend));
    return test::weights(net);
  };
  const auto replayed = run(Cuda({.deterministic = true}));
  CHECK(replayed == run(Cuda({.deterministic = true, .graphs = false})));
  CHECK(test::distance(replayed, run(Cpu{})) < 1e-3);
}

TEST_CASE("augmented images, prepared on the device or ahead by workers: as on the CPU") {
  Quarters q;
  const std::vector<float> floats = test::random_values<float>(q.pixels.size(), 5), targets = test::random_values<float>(96 * 4, 6);
  const auto larger = Dataset::bytes(Image<1, 16, 21>{}, std::span(q.pixels).first(56 * 16 * 21), std::vector<int>(56, 2)).crop(14, 14);
  for (const Dataset& data : {q.data.less(mean_image(q.data)), larger.less(mean_image(larger)), q.data.with_targets(targets),
                              Dataset::floats(In{}, floats, {q.data.labels().begin(), q.data.labels().end()})}) {
    const auto run = [&](auto backend, int workers) {
      Network<Spec, In, decltype(backend)> net(spec(), Fill{.added = Xavier{}}, Seed{3});
      Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.02f}, Gradual{.start = 4, .length = 20}, Seed{5}};
      trainer.fit(data, {.batch = 10, .iterations = 30, .test = &data, .test_interval = 9, .augmentation = {.pad = 2, .mirror = true}, .workers = workers}, std::move(backend));
      return test::weights(net);
    };
    const auto on_device = run(Cuda({.deterministic = true}), 0);
    CHECK(on_device == run(Cuda({.deterministic = true}), 1));
    CHECK(on_device == run(Cuda({.deterministic = true}), 4));
    CHECK(test::distance(on_device, run(Cpu{}, 0)) < 1e-3);
  }
}

TEST_CASE("a loss that is not finite stops the run with the weights of before it, however late it is noticed") {
  Quarters q;
  const auto run = [&](int iterations, std::int64_t display) {
    std::vector<float> floats(q.pixels.size());
    for (std::size_t i = 0; i < floats.size(); ++i) floats[i] = float(q.pixels[i]) / 256;
    Batches batches(q.data, 8, Seed{5});
    // The image that comes at iteration 10 and at no other before.
    if (iterations > 10) floats[batches.at(10)[3].image * In::size] = std::numeric_limits<float>::quiet_NaN();
    const auto data = Dataset::floats(In{}, floats, {q.data.labels().begin(), q.data.labels().end()});
    Network<Spec, In, Cuda> net(spec(), Fill{}, Seed{3});
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.05f}, Gradual{.start = 0, .length = 100}, Seed{5}};
    try {
      trainer.fit(data, {.batch = 8, .iterations = iterations, .display = display}, Cuda({.deterministic = true}));
      CHECK(iterations == 10);
    } catch (const Diverged& e) {
      CHECK(std::string(e.what()).find("iteration 10: the loss is not a number; the first value that is not finite comes from conv1_1") != std::string::npos);
      CHECK(trainer.iteration() == 10);
      CHECK(net.shares()[0].p == 0.1);
    }
    return test::weights(net);
  };
  const auto before = run(10, 0);
  CHECK(run(40, 1) == before);
  CHECK(run(40, 7) == before);
  CHECK(run(40, 0) == before);
}

TEST_CASE("a copy of a network has weights of its own; predict, evaluate and reading work as on the CPU") {
  const Quarters q;
  Network<Spec, In> here(spec(), Fill{}, Seed{3});
  Network<Spec, In, Cuda> there(spec(), Fill{}, Seed{3});
  CHECK(test::weights(here) == test::weights(there));
  auto copy = there;
  for (const auto& t : copy.architecture().tensors) copy.write(t, std::vector<float>(t.size, 0.25f));
  CHECK(test::weights(here) == test::weights(there));
  CHECK(test::weights(copy) != test::weights(there));
  const Tensor<In> images(5, test::random_values<float>(5 * In::size, 3));
  const auto a = there.predict(images), b = here.predict(images);
  CHECK(test::distance(a.values(), b.values()) < 1e-5);
  const auto x = evaluate(there, q.data, {.batch = 13}), y = evaluate(here, q.data);
  CHECK(x.loss == doctest::Approx(y.loss).epsilon(1e-5));
  CHECK(x.accuracy == y.accuracy);
  CHECK(x.images == 96);
  // Whether the device holds all images or is brought a batch at a time.
  CHECK(evaluate(there, q.data, {.batch = 13, .workers = 2}, Cuda({.deterministic = true})).loss ==
        evaluate(there, q.data, {.batch = 13}, Cuda({.deterministic = true})).loss);
}

TEST_CASE_TEMPLATE("predicting in two places: layers with a ReLU, one behind the other", L, Conv<4, 3, Pad<1>>, Linear<12>) {
  using Rows = Sequential<L, ReLU, L, ReLU, L, ReLU, DropIn<L, Sequential<L, ReLU, L, ReLU>>, Linear<3>>;
  const Network<Rows, In> here(Fill{}, Seed{3});
  const Network<Rows, In, Cuda> there(Fill{}, Seed{3});
  const Tensor<In> images(5, test::random_values<float>(5 * In::size, 3));
  CHECK(test::distance(there.predict(images).values(), here.predict(images).values()) < 1e-5);
}

TEST_CASE("a loop of one's own equals fit") {
  const Quarters q;
  Network<Spec, In, Cuda> fitted(spec(), Fill{}, Seed{1}), net(spec(), Fill{}, Seed{1});
  const Growth growth = Gradual{.start = 2, .length = 5};
  Trainer trainer{fitted, Sgd{.momentum = 0.9f}, Fixed{0.1f}, growth, Seed{6}};
  trainer.fit(q.data, {.batch = 8, .iterations = 10}, Cuda({.deterministic = true}));

  Workspace<decltype(net)> ws(net, 8, Purpose::train, Cuda({.deterministic = true}));
  Solver<decltype(net)> solver(net, {.momentum = 0.9f});
  Batches batches(q.data, 8, Seed{6});
  for (int t = 0; t < 10; ++t) {
    grow(net.shares(), growth, t);
    batches.load(std::uint64_t(t), ws);
    CHECK(std::isfinite(train_pass(net, ws, t, Seed{6})));
    solver.step(net, ws, 0.1);
  }
  CHECK(test::weights(net) == test::weights(fitted));
}

TEST_CASE("a checkpoint of the CPU goes on on the GPU, and back") {
  const Quarters q;
  const Sgd sgd{.momentum = 0.9f, .weight_decay = 1e-3f};
  const Growth growth = Staggered{.start = 2, .length = 8, .gap = 3, .mask = Mask::bernoulli};
  const auto momentum = [](const auto& trainer) {
    std::vector<float> all(trainer.network().extent().weights);
    trainer.solver().momentum().download(0, all);
    return all;
  };
  Network<Spec, In> here(spec(), Fill{.added = Xavier{}}, Seed{3}), back(spec());
  Network<Spec, In, Cuda> there(spec());
  Trainer first{here, sgd, Fixed{0.02f}, growth, Seed{5}};
  first.fit(q.data, {.batch = 16, .iterations = 6}, Cpu(1));
  save(first, "gpu_checkpoint_test");
  Trainer second{there, Sgd{}, Fixed{0.5f}};
  resume(second, "gpu_checkpoint_test");
  CHECK(test::weights(there) == test::weights(here));
  CHECK(momentum(second) == momentum(first));
  second.fit(q.data, {.batch = 16, .iterations = 4});
  first.fit(q.data, {.batch = 16, .iterations = 4}, Cpu(1));
  CHECK(test::distance(test::weights(there), test::weights(here)) < 1e-4);
  save(second, "gpu_checkpoint_test");
  Trainer third{back, Sgd{}, Fixed{0.5f}};
  resume(third, "gpu_checkpoint_test");
  CHECK(third.iteration() == 10);
  CHECK(test::weights(back) == test::weights(there));
  CHECK(momentum(third) == momentum(second));
  third.fit(q.data, {.batch = 16, .iterations = 1}, Cpu(1));
  std::filesystem::remove_all("gpu_checkpoint_test");
}
