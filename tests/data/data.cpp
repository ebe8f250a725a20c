#include <doctest/doctest.h>

#include <cstdio>
#include <dropnet/dropnet.hpp>
#include <fstream>
#include <string>
#include <vector>

using namespace dropnet;

namespace {

std::string word(std::uint32_t n) { return {char(n >> 24), char(n >> 16), char(n >> 8), char(n)}; }
std::string images(std::uint32_t count, std::uint32_t rows, std::uint32_t columns, std::size_t bytes) {
  std::string text = word(0x803) + word(count) + word(rows) + word(columns);
  for (std::size_t i = 0; i < bytes; ++i) text += char(i * 7);
  return text;
}
std::string labels(std::uint32_t count, std::size_t bytes) {
  std::string text = word(0x801) + word(count);
  for (std::size_t i = 0; i < bytes; ++i) text += char(i % 10);
  return text;
}
struct Files {
  Files(const std::string& i, const std::string& l) {
    std::ofstream("idx_images", std::ios::binary) << i;
    std::ofstream("idx_labels", std::ios::binary) << l;
  }
  ~Files() {
    std::remove("idx_images");
    std::remove("idx_labels");
  }
};
void refuse(const std::string& i, const std::string& l, const char* why) {
  const Files files(i, l);
  CHECK_THROWS_WITH_AS(load_idx("idx_images", "idx_labels"), doctest::Contains(why), Error);
}

}  // namespace

TEST_CASE("idx: pixels are bytes times 1/256") {
  const Files files(images(3, 2, 4, 24), labels(3, 3));
  const auto data = load_idx("idx_images", "idx_labels");
  CHECK(data.size() == 3);
  CHECK(data.height() == 2);
  CHECK(data.width() == 4);
  CHECK(data.labels()[2] == 2);
  float x[8];
  data.image(1, x);
  CHECK(x[0] == 56 / 256.0f);
  CHECK(x[7] == 105 / 256.0f);
}

TEST_CASE("idx: damaged files are refused, with the place") {
  const std::string good_images = images(3, 2, 4, 24), good_labels = labels(3, 3);
  for (std::size_t length = 0; length < good_images.size(); ++length) refuse(good_images.substr(0, length), good_labels, "truncated");
  for (std::size_t length = 0; length < good_labels.size(); ++length) refuse(good_images, good_labels.substr(0, length), "truncated");
  refuse(good_images + "x", good_labels, "offset 40: the file goes on for 1 bytes");
  refuse(good_labels + "0123456789", good_labels, "offset 0: the magic number is 2049, not 2051");
  refuse("\x1f\x8b" + good_images, good_labels, "uncompressed");
  refuse(images(0, 2, 4, 0), good_labels, "offset 4: a size of 0");
  refuse(images(0xffffffff, 0xffffffff, 0xffffffff, 24), good_labels, "truncated");
  refuse(images(0x10000, 0x10000, 0x10000, 24), good_labels, "truncated");
  refuse(good_images, labels(2, 2), "2 labels for the 3 images");
  refuse(images(1, 65536, 1, 65536), labels(1, 1), "more than 65,535");
  CHECK_THROWS_WITH_AS(load_idx("no_such_file", "idx_labels"), doctest::Contains("no_such_file: cannot be opened"), Error);
  CHECK_THROWS_WITH_AS(load_idx(".", "idx_labels"), doctest::Contains("cannot be"), Error);
}

TEST_CASE("the sample of MNIST that the repository carries") {
  const auto mnist = load_mnist(DROPNET_SOURCE "/data/mnist-sample");
  CHECK(mnist.train.size() == 6000);
  CHECK(mnist.test.size() == 1000);
  CHECK(mnist.train.height() == 28);
  CHECK(mnist.train.labels()[0] == 5);
  CHECK(mnist.test.labels()[0] == 7);
}

TEST_CASE("dataset: from the caller's arrays") {
  const std::vector<std::uint8_t> bytes(2 * 6, 128);
  const auto a = Dataset::bytes(Image<1, 2, 3>{}, bytes, {0, 1});
  float x[6];
  a.image(1, x);
  CHECK(x[5] == 0.5f);
  const std::vector<float> floats(6, 0.25f);
  const auto b = Dataset::floats(Image<1, 2, 3>{}, floats, {1});
  b.image(0, x);
  CHECK(x[0] == 0.25f);
  CHECK_THROWS_WITH_AS(Dataset::bytes(Image<1, 2, 3>{}, bytes, {0, 1, 2}), doctest::Contains("12 pixel values for 3 labels"), Error);
}

// A view of an array that is gone would be no data set.
template <class Array>
concept viewed = requires(Array a) { Dataset::floats(Image<1, 1, 2>{}, static_cast<Array>(a), std::vector<int>{0}); };
static_assert(viewed<const std::array<float, 2>&> && viewed<std::array<float, 2>&> && viewed<std::span<const float>&&> && viewed<std::vector<float>&&>);
static_assert(!viewed<std::array<float, 2>&&>);

TEST_CASE("dataset: what is moved to it it keeps, and so do its copies") {
  std::vector<std::uint8_t> mine(2 * 6, 128);
  Dataset cut, aimed;
  {
    const auto bytes = Dataset::bytes(Image<1, 2, 3>{}, std::move(mine), {0, 1}, 0.5f);
    cut = bytes.first(1);
    aimed = Dataset::floats(Image<1, 2, 3>{}, std::vector<float>(12, 0.25f), {0, 0}).with_targets(std::vector<float>{1, 2, 3, 4});
  }
  CHECK(mine.empty());
  float x[6];
  cut.image(0, x);
  CHECK(x[5] == 64);
  aimed.image(1, x);
  CHECK(x[5] == 0.25f);
  CHECK(aimed.target(1)[1] == 4);
  CHECK(aimed.target_size() == 2);
}

TEST_CASE("batches: each image once per epoch, in an order of the seed and epoch alone") {
  const auto order = shuffled(100, Seed{1}, 0);
  auto sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (std::uint32_t i = 0; i < 100; ++i) CHECK(sorted[i] == i);
  CHECK(order != sorted);
  CHECK(order == shuffled(100, Seed{1}, 0));
  CHECK(order != shuffled(100, Seed{1}, 1));
  CHECK(order != shuffled(100, Seed{2}, 0));

  std::vector<float> pixels(10);
  for (std::size_t i = 0; i < 10; ++i) pixels[i] = float(i);
  const auto data = Dataset::floats(Image<1, 1, 1>{}, pixels, std::vector<int>(10, 0));
  Network<Linear<2>, Image<1, 1, 1>> net;
  Workspace<decltype(net)> ws(net, 4, Purpose::train);
  const auto batch = [&](std::uint64_t t) {
    Batches(data, 4, Seed{3}).load(t, ws);
    return std::vector<float>(ws.input().data, ws.input().data + 4);
  };
  std::vector<float> seen;
  for (std::uint64_t t = 0; t < 5; ++t)
    for (float v : batch(t)) seen.push_back(v);
  for (int epoch = 0; epoch < 2; ++epoch) {
    std::vector<float> once(seen.begin() + epoch * 10, seen.begin() + epoch * 10 + 10);
    std::sort(once.begin(), once.end());
    CHECK(once == pixels);
  }
  Batches going(data, 4, Seed{3});
  for (std::uint64_t t = 0; t < 5; ++t) {
    going.load(t, ws);
    CHECK(std::vector<float>(ws.input().data, ws.input().data + 4) == std::vector<float>(seen.begin() + std::ptrdiff_t(t) * 4, seen.begin() + std::ptrdiff_t(t) * 4 + 4));
  }
}
