#include <atomic>
#include <dropnet/models/lenet.hpp>

#include "../support/check.hpp"

using namespace dropnet;

namespace {

using In = Image<2, 6, 6>;
using C = Conv<4, 3, Pad<1>>;
using Noisy = Sequential<DropInStack<C, Sequential<C, ReLU>, 2>, LRN<3>, MaxPool<2>, Dropout, Linear<12>, ReLU, Dropout, Linear<3>>;

constexpr int batch = 53;

/// A backend that cuts batches into as small slices as there are, or not at all.
Cpu cutting(bool cut, int threads = 1) { return Cpu(threads, 0, cut ? 1 : std::size_t(1) << 40); }

template <class T>
struct Pass {
  double loss;
  std::int64_t hits, images;
  std::vector<T> y, dx, dw;
};

/// A training pass on a made-up batch, its gradients added to ones if wanted.
template <class T, class Spec>
Pass<T> pass(Spec spec, Share share, Cpu cpu, bool add = false, Moment moment = {.iteration = 4, .seed = Seed{7}, .training = true}) {
  Network<Spec, In, Cpu, T> net(spec, Fill{.layers = Gaussian{0.3f}, .bias = Gaussian{0.3f}}, Seed{3});
  for (auto& s : net.shares()) s = share;
  Workspace<decltype(net)> ws(net, batch, Purpose::train, std::move(cpu));
  ws.input_gradient = true;
  ws.add_gradients = add;
  test::fill(ws.activations(), test::nan);
  test::fill(ws.diffs(), test::nan);
  test::fill(ws.gradients(), add ? 1 : test::nan);
  ws.load(test::random_values<T>(std::size_t(batch) * In::size, 1));
  std::vector<int> labels;
  for (int n = 0; n < batch; ++n) labels.push_back(n * 7 % 3);
  ws.load_labels(labels);
  ws.begin(net, moment);
  queue_train_pass(net, ws);
  const Tally tally = ws.take_tally();
  Pass<T> result{tally.mean_loss(), tally.first, tally.images, std::vector<T>(ws.output().size()), {}, {}};
  ws.outputs(result.y);
  result.dx = test::read(ws.diffs(), ws.input().diff, ws.input().size());
  for (const auto& t : net.architecture().tensors)
    for (const T v : test::read(ws.gradients(), ws.gradients().data() + t.offset, t.size)) result.dw.push_back(v);
  return result;
}

}  // namespace

TEST_CASE("a batch in slices: the same numbers but for rounding, with the same masks") {
  for (const Share share : {Share{1}, Share{0.4}, Share{0.5, Mask::bernoulli}, Share{0.3, Mask::blend}})
    for (const bool add : {false, true}) {
      const auto whole = pass<double>(Noisy{}, share, cutting(false), add), cut = pass<double>(Noisy{}, share, cutting(true), add);
      CHECK(cut.loss == doctest::Approx(whole.loss).epsilon(1e-12));
      CHECK(cut.hits == whole.hits);
      CHECK(cut.images == batch);
      CHECK(test::distance(cut.y, whole.y) < 1e-12);
      CHECK(test::distance(cut.dx, whole.dx) < 1e-12);
      CHECK(test::distance(cut.dw, whole.dw) < 1e-12);
    }
}

TEST_CASE("slices do not depend on the number of threads") {
  // 3 slices: one after the other, side by side, and on a thread or two each.
  const auto one = pass<float>(Noisy{}, Share{0.4}, cutting(true, 1));
  for (const int threads : {2, 3, 6}) {
    const auto more = pass<float>(Noisy{}, Share{0.4}, cutting(true, threads));
    CHECK(one.loss == more.loss);
    CHECK(one.y == more.y);
    CHECK(one.dx == more.dx);
    CHECK(one.dw == more.dw);
  }
}

TEST_CASE("slices cover the batch, begin at multiples of 16, and leave the batch's own memory alone") {
  Network<Noisy, In> net;
  Workspace ws(net, batch, Purpose::train, cutting(true));
  ws.load(test::random_values<float>(std::size_t(batch) * In::size, 1));
  REQUIRE(ws.slices(net) == 3);
  std::vector<int> sizes;
  const float* next = ws.input().data;
  ws.each_slice(net, true, false, [&](auto& slice) {
    CHECK(std::equal(slice.input().data, slice.input().data + slice.input().size(), next));
    CHECK(slice.mean_of() == batch);
    sizes.push_back(slice.batch());
    next += slice.input().size();
  });
  CHECK(sizes == std::vector<int>{16, 16, 21});
  CHECK(ws.input().batch == batch);

  test::fill(ws.activations(), test::nan);
  ws.load(test::random_values<float>(std::size_t(batch) * In::size, 1));
  ws.load_labels(std::vector<int>(batch, 1));
  train_pass(net, ws, 0, Seed{1});
  const auto all = test::read(ws.activations(), ws.activations().data(), ws.activations().size());
  const auto used = std::size_t(std::count_if(all.begin(), all.end(), [](float v) { return std::isfinite(v); }));
  CHECK(used == batch * (In::size + 3));
}

TEST_CASE("what a slice throws comes through, and the next batch is as good as any") {
  for (const int threads : {1, 3}) {
    Network<Noisy, In> net;
    Workspace ws(net, batch, Purpose::train, cutting(true, threads)), other(net, batch, Purpose::train, cutting(true, threads));
    const auto loss = [&](auto& on) {
      on.load(test::random_values<float>(std::size_t(batch) * In::size, 1));
      on.load_labels(std::vector<int>(batch, 1));
      return train_pass(net, on, 0, Seed{1});
    };
    for (const int fails : {0, 1, 2}) {
      std::atomic<int> number = 0;
      CHECK_THROWS_WITH(ws.each_slice(net, true, false, [&](auto&) { if (number++ == fails) throw Error("this one"); }), "this one");
    }
    ws.take_tally();
    CHECK(loss(ws) == loss(other));
    CHECK(ws.backend().threads() == threads);
  }
}

TEST_CASE("slices: as many as keep activations near, fewer where weights are many") {
  const auto slices = [](std::size_t sample, std::size_t weights, int of) { return Cpu(1, 0, 1'000'000).slices(of, sample, weights); };
  CHECK(slices(1'000, 0, 64) == 1);
  CHECK(slices(31'250, 0, 64) == 2);
  CHECK(slices(1'000'000, 0, 64) == 4);
  CHECK(slices(1'000'000, 0, 15) == 1);
  CHECK(slices(30'000, 0, 100) == 6);
  CHECK(slices(20'000, 0, 100) == 2);
  CHECK(slices(100'000, 400'000, 64) == 4);
  CHECK(slices(100'000, 10'000'000, 64) == 1);
  // LeNet(10)'s activations are 20 MB for 64 images.
  Network<models::LeNet<5>::Spec, models::LeNet<>::Input> deep;
  Workspace ws(deep, 64, Purpose::train);
  CHECK(ws.slices(deep) == 4);
  CHECK(Workspace(deep, 64, Purpose::predict).slices(deep) == 1);
  // What is closed does not count: the shallow net's steps have the same bits.
  Network<models::LeNet<1>::Spec, models::LeNet<>::Input> shallow;
  for (auto& share : deep.shares()) share = {0};
  CHECK(ws.slices(deep) == 2);
  CHECK(Workspace(shallow, 64, Purpose::train).slices(shallow) == 2);
}

TEST_CASE("batch normalisation sees its batch whole") {
  using Spec = Sequential<C, BatchNorm, ReLU, Linear<3>>;
  Network<Spec, In> net;
  CHECK(Workspace(net, batch, Purpose::train, cutting(true)).slices(net) == 1);
  Network<Frozen<Spec>, In> frozen;
  CHECK(Workspace(frozen, batch, Purpose::train, cutting(true)).slices(frozen) == 3);
  const auto whole = pass<float>(Spec{}, {}, cutting(false)), cut = pass<float>(Spec{}, {}, cutting(true));
  CHECK(whole.dw == cut.dw);
}

TEST_CASE("training in slices: test, norms, and what is said when the loss is not finite any more") {
  std::vector<int> labels;
  for (int n = 0; n < 100; ++n) labels.push_back(n % 3);
  const auto pixels = test::random_values<float>(100 * In::size, 2);
  const auto data = Dataset::floats(In{}, pixels, labels);
  struct Watch : Observer {
    std::vector<Record> records;
    std::vector<LayerNorms> all;
    void record(const Record& r) override { records.push_back(r); }
    void norms(std::int64_t, const std::vector<LayerNorms>& n) override { all.insert(all.end(), n.begin(), n.end()); }
  };
  const auto watch = [&](bool cut) {
    Network<Noisy, In> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.01f}, Gradual{.length = 4}};
    Watch seen;
    trainer.fit(data, {.batch = batch, .iter_size = 2, .iterations = 5, .test = &data, .display = 1, .observers = {&seen}, .norms_interval = 2}, cutting(cut));
    return seen;
  };
  const Watch whole = watch(false), cut = watch(true);
  REQUIRE(cut.records.size() == whole.records.size());
  for (std::size_t i = 0; i < whole.records.size(); ++i) CHECK(cut.records[i].loss == doctest::Approx(whole.records[i].loss).epsilon(1e-4));
  REQUIRE(cut.all.size() == whole.all.size());
  for (std::size_t i = 0; i < whole.all.size(); ++i)
    for (const auto norm : {&LayerNorms::activation, &LayerNorms::gradient, &LayerNorms::weight_gradient})
      if (!std::isnan(whole.all[i].*norm)) CHECK(cut.all[i].*norm == doctest::Approx(whole.all[i].*norm).epsilon(1e-3));

  Network<Noisy, In> net(Fill{}, Seed{1});
  const TensorInfo& t = net.architecture().tensors[2];  // of the first site, which opens in iteration 4
  net.write(t, std::vector<float>(t.size, float(test::nan)));
  Trainer trainer{net, Sgd{}, Fixed{0.01f}, Gradual{.start = 3, .length = 4}};
  CHECK_THROWS_WITH_AS(trainer.fit(data, {.batch = batch, .iter_size = 2, .iterations = 9}, cutting(true)),
                       doctest::Contains("iteration 4: the loss is not a number; the first value that is not finite comes from conv1_2"), Diverged);
  CHECK(trainer.iteration() == 4);
}
