// Every reader of what comes from outside, under libFuzzer. DROPNET_FUZZ says which one: idx, labels, packed, cifar10, weights, solver, image,
// flags. Each may refuse its input with an Error; anything else that ends the program is a find.

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dropnet/data/cifar10.hpp>
#include <dropnet/data/idx.hpp>
#include <dropnet/data/packed.hpp>
#include <dropnet/dropnet.hpp>
#include <dropnet/image.hpp>
#include <dropnet/checkpoint.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>

#include "../../examples/common/options.hpp"

namespace dn = dropnet;

namespace {

using Input = dn::Image<1, 4, 4>;
using Spec = dn::Sequential<dn::DropIn<dn::Conv<2, 3, dn::Pad<1>>, dn::Conv<2, 3, dn::Pad<1>>>, dn::Linear<2>>;
using Net = dn::Network<Spec, Input>;

/// A file in memory that has a path.
class MemoryFile {
 public:
  explicit MemoryFile(const char* name) : descriptor_(memfd_create(name, 0)), path_("/proc/self/fd/" + std::to_string(descriptor_)) {}
  const std::string& holding(const std::uint8_t* data, std::size_t size) {
    if (ftruncate(descriptor_, 0) != 0 || pwrite(descriptor_, data, size, 0) != ssize_t(size)) std::abort();
    return path_;
  }

 private:
  int descriptor_;
  std::string path_;
};

void idx(const std::string& path) { dn::detail::read_idx(path, dn::detail::IdxType::byte, 3); }
void labels(const std::string& path) {
  std::uint8_t type = 0;
  if (std::ifstream file(path, std::ios::binary); file.seekg(2)) type = std::uint8_t(file.get());
  const bool bytes = type == std::uint8_t(dn::detail::IdxType::byte);
  const auto idx = dn::detail::read_idx(path, bytes ? dn::detail::IdxType::byte : dn::detail::IdxType::integer, 1);
  if (idx.bytes.size() != idx.sizes[0] * (bytes ? 1u : 4u)) std::abort();
}
/// Images that stay in their file.
void packed(const std::string& path) {
  const auto images = dn::detail::packed_images(path);
  std::size_t values = 1;
  for (const std::uint32_t size : images.head.sizes) values *= size;
  if (images.pixels().size() != values) std::abort();
}
void cifar10(const std::string& path) {
  const auto data = dn::load_cifar10_batches({path});
  if (data.size() * 3073 != std::filesystem::file_size(path)) std::abort();
}
void weights(const std::string& path) {
  static Net net;
  dn::load_weights(net, path);
  for (const auto& share : net.shares())
    if (!(share.p >= 0 && share.p <= 1)) std::abort();
}
/// What is read of a solver's state is then trained on with.
void solver(const std::string& path) {
  static Net net;
  const dn::detail::SolverFile file(path);
  dn::Trainer trainer{net, dn::Sgd{}, dn::Fixed{}};
  trainer.restore(file.state);
  if (!(trainer.learning_rate() == trainer.learning_rate())) return;  // NaN is the policy's own affair
  trainer.restore({.iteration = file.state.iteration / 2, .sgd = file.state.sgd, .rate = file.state.rate, .growth = file.state.growth});
}
void image(const std::string& path) {
  for (int channels : {1, 3}) dn::load_image(path, channels, 8, 8);
}
void flags(const std::string& text) {
  const auto attempt = [&](auto parse) {
    try {
      parse(text);
    } catch (const CLI::ValidationError&) {
    }
  };
  attempt(program::parse_filler);
  attempt(program::parse_sites);
  attempt([](const std::string& t) { dn::check(dn::LearningRate(program::parse_policy(t, 0.1f))); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::map<std::string, std::function<void(const std::string&)>> targets{
      {"idx", idx}, {"labels", labels}, {"packed", packed}, {"cifar10", cifar10}, {"weights", weights}, {"solver", solver}, {"image", image}};
  static const char* name = std::getenv("DROPNET_FUZZ");
  static MemoryFile file("fuzz");
  try {
    if (name && std::strcmp(name, "flags") == 0) {
      flags(std::string(reinterpret_cast<const char*>(data), size));
    } else {
      const auto target = targets.find(name ? name : "");
      if (target == targets.end()) {
        std::fprintf(stderr, "DROPNET_FUZZ must be one of idx, labels, packed, cifar10, weights, solver, image, flags\n");
        std::exit(2);
      }
      target->second(file.holding(data, size));
    }
  } catch (const dn::Error&) {
  }
  return 0;
}
