#include <sstream>
#include <stdexcept>
#include <thread>

#include "../support/check.hpp"

using namespace dropnet;
using In = Image<1, 4, 4>;
using Spec = Sequential<DropIn<Linear<16>, Linear<16>>, ReLU, Linear<4>>;

namespace {

/// Four classes: a bright quadrant each.
struct Quadrants {
  std::vector<float> pixels;
  Dataset data;
  Quadrants() {
    const auto noise = test::random_values<float>(80 * In::size, 9, 0.3);
    std::vector<int> labels;
    for (std::size_t n = 0; n < 80; ++n) {
      labels.push_back(int(n % 4));
      for (std::size_t i = 0; i < 16; ++i) {
        const bool bright = (i / 8) * 2 + (i % 4) / 2 == n % 4;
        pixels.push_back(noise[n * 16 + i] + (bright ? 1.0f : 0.0f));
      }
    }
    data = Dataset::floats(In{}, pixels, labels);
  }
};

struct Notes : Observer {
  std::vector<Record> records;
  int steps = 0, begins = 0, ends = 0;
  void begin(std::int64_t, std::int64_t) override { ++begins; }
  void step(std::int64_t, double) override { ++steps; }
  void record(const Record& r) override { records.push_back(r); }
  void end() override { ++ends; }
};

}  // namespace

TEST_CASE("fit learns while it grows, and tells its observers") {
  Quadrants q;
  Network<Spec, In> net(Fill{}, Seed{1});
  Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.1f}, Gradual{.start = 10, .length = 20}};
  CHECK(net.shares()[0].p == 0);
  Notes notes;
  trainer.fit(q.data, {.batch = 16, .iterations = 60, .test = &q.data, .test_interval = 25, .display = 20, .observers = {&notes}}, Cpu(1));
  CHECK(trainer.iteration() == 60);
  CHECK(net.shares()[0].complete());
  CHECK(notes.begins == 1);
  CHECK(notes.steps == 60);
  CHECK(notes.ends == 1);
  std::string order;
  for (const auto& r : notes.records) order += (r.phase == Record::train ? "train" : "test") + std::to_string(r.iteration) + " ";
  CHECK(order == "test0 train20 test25 train40 test50 train60 test60 ");
  CHECK(notes.records[2].p == 0.75);
  CHECK(notes.records.back().accuracy > 0.95);
  CHECK(evaluate(net, q.data).accuracy == notes.records.back().accuracy);
  CHECK(evaluate(net, q.data, {.batch = 7}).loss == doctest::Approx(notes.records.back().loss).epsilon(1e-5));
  CHECK(evaluate(net, q.data, {.top_k = 4}).top_k_accuracy == 1);
}

TEST_CASE("a network in which New changes channels and size trains through its growth") {
  Quadrants q;
  using Resized = Sequential<DropIn<Conv<2, 3>, Sequential<Conv<5, 2, Pad<1>>, ReLU>, Resize<>>, Linear<4>>;
  Network<Resized, In> net(Fill{}, Seed{1});
  Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.05f}, Gradual{.start = 20, .length = 40}};
  trainer.fit(q.data, {.batch = 16, .iterations = 20});
  const double before = evaluate(net, q.data).accuracy;
  trainer.fit(q.data, {.batch = 16, .iterations = 20});
  CHECK(net.shares()[0].p == 0.5);
  CHECK(evaluate(net, q.data).accuracy > 0.9);
  trainer.fit(q.data, {.batch = 16, .iterations = 40});
  CHECK(net.shares()[0].complete());
  CHECK(before > 0.7);
  CHECK(evaluate(net, q.data).accuracy > 0.95);
  CHECK(evaluate(collapsed(net), q.data).accuracy == evaluate(net, q.data).accuracy);
}

TEST_CASE("fit in pieces equals fit at once") {
  Quadrants q;
  Network<Spec, In> once(Fill{}, Seed{1}), pieces(Fill{}, Seed{1});
  Trainer a{once, Sgd{.momentum = 0.9f}, Inverse{}, Gradual{.start = 0, .length = 20, .mask = Mask::bernoulli}};
  Trainer b{pieces, Sgd{.momentum = 0.9f}, Inverse{}, Gradual{.start = 0, .length = 20, .mask = Mask::bernoulli}};
  a.fit(q.data, {.batch = 9, .iterations = 15});
  b.fit(q.data, {.batch = 9, .iterations = 4});
  b.fit(q.data, {.batch = 9, .iterations = 11});
  CHECK(test::outputs(once) == test::outputs(pieces));
}

TEST_CASE("a loss that is not finite stops training and names the first layer; the weights stay") {
  Quadrants q;
  Network<Spec, In> net(Fill{}, Seed{1});
  const auto& t = net.architecture().tensors[2];
  auto poisoned = net.read(t);
  poisoned[15 * 16] = float(test::nan);  // of the last unit, which is let in first
  net.write(t, poisoned);
  Trainer trainer{net, Sgd{}, Fixed{0.1f}, Gradual{.start = 3, .length = 4}};
  CHECK_THROWS_WITH_AS(trainer.fit(q.data, {.batch = 8, .iterations = 10}), doctest::Contains("iteration 4: the loss is not a number; the first value that is not finite comes from fc1_2"), Diverged);
  CHECK(trainer.iteration() == 4);
  for (const auto& other : net.architecture().tensors)
    if (other.name != t.name)
      for (float w : net.read(other)) CHECK(std::isfinite(w));
}

TEST_CASE("data that does not fit is refused in words") {
  Quadrants q;
  Network<Spec, Image<1, 4, 5>> wide;
  Trainer trainer{wide, Sgd{}, Fixed{}};
  CHECK_THROWS_WITH_AS(trainer.fit(q.data, {.iterations = 1}), doctest::Contains("the images are 1x4x4 but the network takes 1x4x5"), Error);
  Network<Linear<3>, In> few;
  CHECK_THROWS_WITH_AS(evaluate(few, q.data), doctest::Contains("a label is 3 but the network has 3 outputs"), Error);
  CHECK_THROWS_WITH_AS((Trainer{few, Sgd{}, Fixed{}, Gradual{.length = -5}}), doctest::Contains("length is -5"), Error);
}

TEST_CASE("console: plain lines, and a line of progress on a terminal") {
  Quadrants q;
  for (bool terminal : {false, true}) {
    Network<Spec, In> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{}, Fixed{0.1f}};
    std::ostringstream out;
    Console console(out, terminal);
    trainer.fit(q.data, {.batch = 8, .iterations = 20, .test = &q.data, .display = 10, .observers = {&console}});
    const std::string text = out.str();
    CHECK(text.find("iteration 10 of 20  train loss ") != std::string::npos);
    CHECK(text.find(" left\n") != std::string::npos);
    CHECK(text.find("iteration 20 of 20  test  loss ") != std::string::npos);
    CHECK((text.find('\r') != std::string::npos) == terminal);
  }
}

TEST_CASE("csv") {
  const std::string path = "trainer_test.csv";
  {
    Csv csv(path, "a note");
    csv.record({.iteration = 5, .phase = Record::test, .loss = 0.25, .accuracy = 0.5, .learning_rate = 0.01, .p = 1, .images_per_second = 100, .seconds = 1.5, .waited = 0.25});
  }
  std::FILE* file = std::fopen(path.c_str(), "r");
  REQUIRE(file);
  char text[256];
  text[std::fread(text, 1, 255, file)] = 0;
  std::fclose(file);
  std::remove(path.c_str());
  CHECK(std::string(text) == "# a note\niteration,phase,loss,accuracy,learning_rate,p,images_per_second,seconds,waited\n5,test,0.25,0.5,0.01,1,100,1.500,0.250\n");
  CHECK_THROWS_WITH_AS(Csv("no/such/folder/x.csv"), doctest::Contains("cannot be written"), Error);
}

TEST_CASE("the parts alone: a loop of one's own equals fit") {
  Quadrants q;
  Network<Spec, In> fitted(Fill{}, Seed{1}), net(Fill{}, Seed{1});
  const Sgd sgd{.momentum = 0.9f};
  const Growth growth = Gradual{.start = 2, .length = 5};
  Trainer trainer{fitted, sgd, Fixed{0.1f}, growth, Seed{6}};
  trainer.fit(q.data, {.batch = 8, .iterations = 10});

  Workspace ws(net, 8, Purpose::train);
  Solver<decltype(net)> solver(net, sgd);
  Batches batches(q.data, 8, Seed{6});
  for (int t = 0; t < 10; ++t) {
    grow(net.shares(), growth, t);
    batches.load(std::uint64_t(t), ws);
    train_pass(net, ws, t, Seed{6});
    solver.step(net, ws, 0.1);
  }
  grow(net.shares(), growth, 10);
  CHECK(test::outputs(net) == test::outputs(fitted));
}

TEST_CASE("after an exception network and trainer are those of the last finished iteration, and training goes on from there") {
  Quadrants q;
  struct Thrower : Observer {
    std::int64_t at;
    explicit Thrower(std::int64_t iteration) : at(iteration) {}
    void step(std::int64_t iteration, double) override {
      if (iteration == at) throw std::runtime_error("no more");
    }
  } thrower(7);
  Network<Spec, In> whole(Fill{}, Seed{1}), broken(Fill{}, Seed{1});
  Trainer one{whole, Sgd{.momentum = 0.9f}, Fixed{0.1f}, Gradual{.start = 3, .length = 10}};
  one.fit(q.data, {.batch = 16, .iterations = 12}, Cpu(1));
  Trainer two{broken, Sgd{.momentum = 0.9f}, Fixed{0.1f}, Gradual{.start = 3, .length = 10}};
  CHECK_THROWS_WITH_AS(two.fit(q.data, {.batch = 16, .iterations = 12, .observers = {&thrower}}, Cpu(1)), "no more", std::runtime_error);
  CHECK(two.iteration() == 7);
  const auto before = test::weights(broken);
  CHECK_THROWS_AS(two.fit(q.data, {.batch = 0, .iterations = 1}), Error);
  CHECK_THROWS_AS(two.fit(q.data, {.batch = 4, .iterations = 1, .augmentation = {.pad = -1}}), Error);
  CHECK_THROWS_AS(two.fit(Dataset(), {.batch = 4, .iterations = 1}), Error);
  CHECK(test::weights(broken) == before);
  two.fit(q.data, {.batch = 16, .iterations = 5}, Cpu(1));
  CHECK(test::weights(broken) == test::weights(whole));
}

TEST_CASE("a copy predicts in one thread while the network learns in another, and two networks learn at once") {
  Quadrants q;
  const auto train = [&](Network<Spec, In>& net) {
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.1f}, Gradual{.start = 3, .length = 10}};
    trainer.fit(q.data, {.batch = 16, .iterations = 30}, Cpu(1));
    return test::outputs(net);
  };
  Network<Spec, In> alone(Fill{}, Seed{1}), first(Fill{}, Seed{1}), second(Fill{}, Seed{1});
  const auto expected = train(alone);
  const Network<Spec, In> copy = first;
  const auto before = test::outputs(copy);
  std::vector<float> one, two;
  std::thread a([&] { one = train(first); }), b([&] { two = train(second); });
  for (int i = 0; i < 50; ++i) CHECK(test::outputs(copy) == before);
  a.join();
  b.join();
  CHECK(one == expected);
  CHECK(two == expected);
}
