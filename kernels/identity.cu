#include "launch.hpp"

namespace dropnet::kernels {

namespace {

struct Copy {
  const float* from;
  float* to;
  bool add;
  DROPNET_DEVICE void operator()(std::uint32_t i) const { to[i] = add ? to[i] + from[i] : from[i]; }
};

}  // namespace

void copy(Stream s, std::size_t size, const float* from, float* to, bool add) { each(s, size, Copy{from, to, add}); }

}  // namespace dropnet::kernels
