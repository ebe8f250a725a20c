#include <cstring>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

/// The words travel as the kernel's argument, which the launch copies: no host memory has to stay as it is.
struct Poke {
  static constexpr std::size_t most = 896;
  std::uint32_t words[most];
  std::uint32_t* to;
  DROPNET_DEVICE void operator()(std::uint32_t i) const { to[i] = words[i]; }
};

}  // namespace

void poke(Stream s, void* to, const void* from, std::size_t bytes) {
  for (std::size_t done = 0; done < bytes;) {
    const std::size_t now = std::min(bytes - done, 4 * Poke::most);
    Poke poke;
    std::memcpy(poke.words, static_cast<const char*>(from) + done, now);
    poke.to = reinterpret_cast<std::uint32_t*>(static_cast<char*>(to) + done);
    each(s, now / 4, poke);
    done += now;
  }
}

}  // namespace dropnet::kernels
