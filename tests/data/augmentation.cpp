// How training images are varied, the mean that is subtracted from them, and the loader.

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <dropnet/dropnet.hpp>
#include <map>
#include <set>
#include <vector>

using namespace dropnet;

namespace {

using Shape = Image<2, 3, 4>;
using Made = Staging<Cpu, float>::Batch;
const auto made = [] { return Made(); };

/// Image n's value k is 100 n + k + 1.
struct Counted {
  std::vector<float> pixels;
  Dataset data;
  explicit Counted(int images = 10) {
    std::vector<int> labels;
    for (int n = 0; n < images; ++n) {
      labels.push_back(n % 3);
      for (int k = 0; k < int(Shape::size); ++k) pixels.push_back(float(100 * n + k + 1));
    }
    data = Dataset::floats(Shape{}, pixels, labels);
  }
};

std::vector<float> window(const Dataset& data, Pick pick) {
  std::vector<float> to(data.image_size(), -1);
  data.image(pick, to.data());
  return to;
}
std::vector<float> shown(const Made& batch, int n) {
  const auto begin = batch.images.begin() + n * std::ptrdiff_t(Shape::size);
  return {begin, begin + std::ptrdiff_t(Shape::size)};
}

}  // namespace

TEST_CASE("a window beyond the edge holds zeros; mirrored it is turned left to right") {
  const Counted c(1);
  CHECK(window(c.data, {}) == std::vector<float>(c.pixels.begin(), c.pixels.end()));
  CHECK(window(c.data, {.row = 1, .column = -1}) == std::vector<float>{0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0, 0, 17, 18, 19, 0, 21, 22, 23, 0, 0, 0, 0});
  CHECK(window(c.data, {.row = -2, .column = 3}) == std::vector<float>{0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 16, 0, 0, 0});
  CHECK(window(c.data, {.mirror = 1}) == std::vector<float>{4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13, 20, 19, 18, 17, 24, 23, 22, 21});
  // First the window, then the mirror.
  CHECK(window(c.data, {.column = 1, .mirror = 1})[0] == 0);
  CHECK(window(c.data, {.column = 1, .mirror = 1})[1] == 4);
  for (const int far : {-9, 9}) {
    CHECK(window(c.data, {.row = std::int16_t(far)}) == std::vector<float>(Shape::size, 0));
    CHECK(window(c.data, {.column = std::int16_t(far)}) == std::vector<float>(Shape::size, 0));
  }
}

TEST_CASE("the mean is subtracted before zeros are put around and before scaling") {
  const Counted c(3);
  const auto mean = mean_image(c.data);
  CHECK(mean[0] == 101);
  CHECK(mean[23] == 124);
  const auto centred = c.data.less(mean);
  CHECK(window(centred, {.image = 1}) == std::vector<float>(Shape::size, 0));
  CHECK(window(centred, {.image = 2, .row = 1})[0] == 100);
  CHECK(window(centred, {.image = 2, .row = 1})[8] == 0);
  const std::vector<std::uint8_t> bytes{10, 20, 30, 50};
  const auto b = Dataset::bytes(Image<1, 1, 2>{}, bytes, {0, 1}, 0.5f);
  CHECK(mean_image(b) == std::vector<float>{20, 35});
  float x[2];
  b.less(mean_image(b)).image(1, x);
  CHECK(x[0] == 5);
  CHECK(x[1] == 7.5f);
  CHECK_THROWS_WITH_AS(c.data.less({1, 2}), doctest::Contains("a mean of 2 values for images of 24"), Error);
}

TEST_CASE("cropped: the middle of an image, which moves over what lies around it and then over zeros, less the mean's same pixels") {
  const Counted c(3);
  const auto middle = c.data.crop(1, 2);
  CHECK(middle.size() == 3);
  CHECK(middle.height() == 1);
  CHECK(middle.width() == 2);
  CHECK(middle.image_size() == 4);
  CHECK(middle.stored() == Size(3, 4));
  CHECK(window(middle, {}) == std::vector<float>{6, 7, 18, 19});
  CHECK(window(middle, {.image = 2}) == std::vector<float>{206, 207, 218, 219});
  CHECK(window(middle, {.row = 1, .column = -1}) == std::vector<float>{9, 10, 21, 22});
  CHECK(window(middle, {.row = -1, .column = 2, .mirror = 1}) == std::vector<float>{0, 4, 0, 16});
  CHECK(window(middle, {.row = 2}) == std::vector<float>(4, 0));
  CHECK(window(c.data.crop(2, 4), {}) == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 13, 14, 15, 16, 17, 18, 19, 20});  // of two middles the first
  CHECK(window(c.data.crop(2, 4).crop(3, 4), {}) == window(c.data, {}));
  CHECK(window(middle.first(1), {}) == window(middle, {}));
  CHECK(middle.first(1).floats().size() == 24);
  const auto mean = mean_image(middle);
  CHECK(mean.size() == 24);
  CHECK(window(middle.less(mean), {.image = 2, .row = 1, .column = -2}) == std::vector<float>{0, 100, 0, 100});
  // What is kept of a mean is what the unmoved window shows, and does for it.
  const auto kept = middle.less(mean).shown_mean();
  CHECK(kept == std::vector<float>{106, 107, 118, 119});
  CHECK(window(middle.less(kept), {.image = 2}) == window(middle.less(mean), {.image = 2}));
  CHECK(window(middle.less(kept), {.image = 2, .column = 1}) == std::vector<float>{100, 208, 100, 220});
  CHECK(middle.shown_mean().empty());
  CHECK_THROWS_WITH_AS(c.data.crop(4, 4), doctest::Contains("images of 2x3x4 cannot be cropped to 4x4"), Error);
  CHECK_THROWS_WITH_AS(c.data.crop(0, 4), doctest::Contains("cannot be cropped to 0x4"), Error);
  CHECK_THROWS_WITH_AS(middle.require({2, 3, 4}, 3, "test"), doctest::Contains("the images are 2x1x2 but the network takes 2x3x4"), Error);
}

TEST_CASE("what becomes of an image is a pure function of seed, epoch and image; all windows come about alike") {
  const Augmentation a{.pad = 2, .mirror = true};
  std::map<std::array<int, 3>, int> counts;
  for (std::uint32_t image = 0; image < 50000; ++image) {
    const Pick p = augmented(a, Seed{3}, 7, image), q = augmented(a, Seed{3}, 7, image);
    REQUIRE(p.image == image);
    REQUIRE((p.row == q.row && p.column == q.column && p.mirror == q.mirror));
    ++counts[{p.row, p.column, int(p.mirror)}];
  }
  CHECK(counts.size() == 50);  // 5 rows, 5 columns, 2 sides
  for (const auto& [place, count] : counts) {
    CHECK(std::abs(place[0]) <= 2);
    CHECK(std::abs(place[1]) <= 2);
    CHECK(std::abs(count - 1000) < 160);  // five standard deviations
  }
  const auto differs = [&](Seed seed, std::uint64_t epoch) {
    int n = 0;
    for (std::uint32_t image = 0; image < 100; ++image) {
      const Pick p = augmented(a, Seed{3}, 7, image), q = augmented(a, seed, epoch, image);
      n += p.row != q.row || p.column != q.column || p.mirror != q.mirror;
    }
    return n;
  };
  CHECK(differs(Seed{4}, 7) > 80);
  CHECK(differs(Seed{3}, 8) > 80);
  const Pick still = augmented({}, Seed{3}, 7, 5);
  CHECK((still.row == 0 && still.column == 0 && still.mirror == 0));
  CHECK_THROWS_WITH_AS(check(Augmentation{.pad = -1}), doctest::Contains("the pad is -1"), Error);
}

TEST_CASE("loader: the same batches for 1, 2 and 4 workers, from any batch on") {
  const Counted c(11);
  const Augmentation a{.pad = 1, .mirror = true};
  Batches batches(c.data, 4, Seed{2}, a);
  for (const int workers : {1, 2, 4})
    for (const int ahead : {1, 3})
      for (const std::uint64_t first : {std::uint64_t(0), std::uint64_t(5)}) {
        Loader<Made> loader(batches, first, workers, ahead, made);
        for (std::uint64_t t = first; t < first + 40; ++t) {
          CHECK(loader.at() == t);
          const auto& batch = loader.next();
          const auto picks = batches.at(t);
          for (int n = 0; n < 4; ++n) {
            const auto expected = window(c.data, picks[std::size_t(n)]);
            REQUIRE(shown(batch, n) == expected);
            REQUIRE(batch.labels[std::size_t(n)] == c.data.labels()[picks[std::size_t(n)].image]);
          }
        }
        CHECK(loader.waited() >= 0);
      }
}

TEST_CASE("loader: its buffers are few and used again") {
  const Counted c(8);
  Loader<Made> loader(Batches(c.data, 2, Seed{1}), 0, 2, 3, made);
  std::set<const float*> places;
  for (int t = 0; t < 50; ++t) places.insert(loader.next().images.data());
  CHECK(places.size() == 4);
  CHECK_THROWS_WITH_AS((Loader<Made>(Batches(c.data, 2, Seed{1}), 0, 0, 3, made)), doctest::Contains("0 workers"), Error);
}

TEST_CASE("batches in order: every image once and as it is, the last batch shorter, behind it none; ahead by workers the same") {
  const Counted c(11);
  auto batches = Batches::in_order(c.data, 4);
  for (const int workers : {1, 3}) {
    Loader<Made> loader(batches, 0, workers, 2, made);
    for (std::uint32_t t = 0, next = 0; t < 5; ++t) {
      const auto picks = batches.at(t);
      CHECK(picks.size() == (t < 2 ? 4 : t == 2 ? 3 : 0));
      const auto& batch = loader.next();
      REQUIRE(batch.images.size() == picks.size() * Shape::size);
      REQUIRE(batch.labels.size() == picks.size());
      for (std::size_t n = 0; n < picks.size(); ++n, ++next) {
        CHECK(picks[n].image == next);
        CHECK((picks[n].row == 0 && picks[n].column == 0 && picks[n].mirror == 0));
        CHECK(shown(batch, int(n)) == window(c.data, {.image = next}));
        CHECK(batch.labels[n] == c.data.labels()[next]);
      }
    }
  }
  CHECK(Batches::in_order(c.data, 100).at(0).size() == 11);
  CHECK_THROWS_WITH_AS(Batches::in_order(c.data, 0), doctest::Contains("the batch is 0"), Error);
  CHECK_THROWS_WITH_AS(Batches::in_order(c.data.first(0), 4), doctest::Contains("no images"), Error);
}

TEST_CASE("testing with workers gives the numbers of testing without, again and again, labels and targets") {
  const Counted c(11);
  const std::vector<float> targets(33, 0.5f);
  const Network<Linear<3>, Shape> net(Fill{}, Seed{1});
  for (const Dataset& data : {c.data, c.data.with_targets(targets)}) {
    const auto expected = evaluate(net, data, {.batch = 4});
    for (const int workers : {1, 2, 4}) {
      const auto found = evaluate(net, data, {.batch = 4, .workers = workers});
      CHECK(found.loss == expected.loss);
      CHECK(found.images == 11);
      CHECK((data.has_targets() || found.accuracy == expected.accuracy));
    }
    Network<Linear<3>, Shape>::workspace ws(net, 4);
    Feed feed(ws, Batches::in_order(data, 4), 2);
    for (int i = 0; i < 3; ++i) CHECK(evaluate(net, net.forward_pass(), feed, ws, 5).loss == expected.loss);
  }
  CHECK_THROWS_WITH_AS(evaluate(net, c.data, {.workers = -1}), doctest::Contains("evaluate: workers is -1; it must be 0 to 1,024"), Error);
}

TEST_CASE("training with workers gives the bytes of training without") {
  const Counted c(30);
  std::vector<std::uint8_t> bytes(30 * Shape::size);
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = std::uint8_t(i * 37);
  const auto all = Dataset::bytes(Shape{}, bytes, std::vector<int>(c.data.labels().begin(), c.data.labels().end()));
  const auto data = all.less(mean_image(all));
  const auto weights = [&](int workers, std::vector<int> pieces) {
    Network<Linear<3>, Shape> net(Fill{}, Seed{1});
    Trainer trainer{net, Sgd{.momentum = 0.9f}, Fixed{0.01f}, Grown{}, Seed{4}};
    for (const int n : pieces)
      trainer.fit(data, {.batch = 7, .iter_size = 2, .iterations = n, .augmentation = {.pad = 1, .mirror = true}, .workers = workers});
    return net.read(net.architecture().tensors[0]);
  };
  const auto expected = weights(0, {20});
  CHECK(weights(1, {20}) == expected);
  CHECK(weights(4, {20}) == expected);
  CHECK(weights(2, {3, 17}) == expected);
}
