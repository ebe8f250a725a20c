// CIFAR-10's binary files: what is read, and what is refused.

#include <doctest/doctest.h>

#include <cstdio>
#include <dropnet/data/cifar10.hpp>
#include <fstream>
#include <string>
#include <vector>

using namespace dropnet;

namespace {

constexpr std::size_t record = 3073;

/// Records whose pixel k of image n is n + 7 k, and whose label is n mod 10.
std::string records(int count, int first = 0) {
  std::string text;
  for (int n = first; n < first + count; ++n) {
    text += char(n % 10);
    for (int k = 0; k < 3072; ++k) text += char(n + 7 * k);
  }
  return text;
}
struct File {
  std::string path;
  File(const std::string& p, const std::string& text) : path(p) { std::ofstream(path, std::ios::binary) << text; }
  ~File() { std::remove(path.c_str()); }
};
void refuse(const std::string& text, const char* why) {
  const File file("cifar_part", text);
  CHECK_THROWS_WITH_AS(load_cifar10_batches({"cifar_part"}), doctest::Contains(why), Error);
}

}  // namespace

TEST_CASE("cifar10: records of several files, end to end") {
  const File a("cifar_a", records(3)), b("cifar_b", records(2, 3));
  const auto data = load_cifar10_batches({"cifar_a", "cifar_b"}, 0.5f);
  CHECK(data.size() == 5);
  CHECK(data.channels() == 3);
  CHECK(data.height() == 32);
  CHECK(data.width() == 32);
  CHECK(std::vector<int>(data.labels().begin(), data.labels().end()) == std::vector<int>{0, 1, 2, 3, 4});
  std::vector<float> x(3072);
  data.image(4, x.data());
  CHECK(x[0] == 2);
  CHECK(x[3071] == float((4 + 7 * 3071) % 256) / 2);
}

TEST_CASE("cifar10: damaged files are refused, with the place") {
  const std::string good = records(3);
  for (std::size_t length = 1; length < good.size(); length += 97)
    if (length % record != 0) refuse(good.substr(0, length), ("truncated at offset " + std::to_string(length) + ", inside record " + std::to_string(length / record)).c_str());
  refuse("", "empty");
  refuse(good + "x", "truncated at offset 9220");
  std::string wrong = good;
  wrong[record] = 10;
  refuse(wrong, "offset 3073: a label of 10");
  wrong[record] = char(255);
  refuse(wrong, "a label of 255");
  CHECK_THROWS_WITH_AS(load_cifar10("no_such_folder"), doctest::Contains("no_such_folder/data_batch_1.bin: cannot be opened"), Error);
  CHECK_THROWS_WITH_AS(load_cifar10_batches({"."}), doctest::Contains("cannot be"), Error);
}
