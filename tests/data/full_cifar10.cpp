// All of CIFAR-10, where DROPNET_DATA has it: its label counts and its mean pixels. Exit code 77: it is not there.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <dropnet/data/cifar10.hpp>

using namespace dropnet;

int main() {
  const char* root = std::getenv("DROPNET_DATA");
  const std::string folder = std::string(root ? root : "data") + "/cifar-10-batches-bin";
  if (std::FILE* file = std::fopen((folder + "/data_batch_1.bin").c_str(), "rb")) {
    std::fclose(file);
  } else {
    std::printf("%s is not there: set DROPNET_DATA or run data/fetch cifar10\n", folder.c_str());
    return 77;
  }
  const auto cifar10 = load_cifar10(folder);
  bool right = cifar10.train.size() == 50000 && cifar10.test.size() == 10000;
  for (int label = 0; label < 10; ++label)
    right = right && std::count(cifar10.train.labels().begin(), cifar10.train.labels().end(), label) == 5000 &&
            std::count(cifar10.test.labels().begin(), cifar10.test.labels().end(), label) == 1000;
  // Red, green, blue, as shares of 255.
  const auto mean = mean_image(cifar10.train);
  std::array<double, 3> colours{};
  for (std::size_t i = 0; i < mean.size(); ++i) colours[i / 1024] += double(mean[i]) / 1024 / 255;
  const std::array<double, 3> expected{0.4914, 0.4822, 0.4465};
  for (std::size_t c = 0; c < 3; ++c) right = right && std::abs(colours[c] - expected[c]) < 6e-5;
  std::printf("%zu and %zu images, means %.4f %.4f %.4f: %s\n", cifar10.train.size(), cifar10.test.size(), colours[0], colours[1], colours[2],
              right ? "right" : "WRONG");
  return right ? 0 : 1;
}
