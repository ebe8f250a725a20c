// All of MNIST, where DROPNET_DATA has it: its label counts and its mean pixel. Exit code 77: it is not there.

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <dropnet/data/idx.hpp>
#include <vector>

using namespace dropnet;

namespace {

bool counts_are(const Dataset& data, const std::array<int, 10>& expected) {
  std::array<int, 10> counts{};
  for (int label : data.labels()) ++counts.at(std::size_t(label));
  return counts == expected;
}

}  // namespace

int main() {
  const char* root = std::getenv("DROPNET_DATA");
  const std::string folder = std::string(root ? root : "data") + "/mnist";
  if (std::FILE* file = std::fopen((folder + "/train-images-idx3-ubyte").c_str(), "rb")) {
    std::fclose(file);
  } else {
    std::printf("%s is not there: set DROPNET_DATA or run data/fetch mnist\n", folder.c_str());
    return 77;
  }
  const auto mnist = load_mnist(folder);
  double sum = 0;
  std::vector<float> image(784);
  for (std::size_t i = 0; i < mnist.train.size(); ++i) {
    mnist.train.image(i, image.data());
    for (float v : image) sum += double(v);
  }
  const double mean = sum / 60000 / 784 * 256 / 255;  // as a share of 255
  const bool right = counts_are(mnist.train, {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}) &&
                     counts_are(mnist.test, {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}) && std::abs(mean - 0.1307) < 5e-5;
  std::printf("%zu and %zu images, mean %.4f: %s\n", mnist.train.size(), mnist.test.size(), mean, right ? "right" : "WRONG");
  return right ? 0 : 1;
}
