// A backend that counts its calls: at p = 0 New does not run, at p = 1 nothing is mixed or copied.

#include <map>

#include "../support/check.hpp"

namespace {

/// Wraps an op of the Reference by one that counts and then calls it.
struct Counting : dropnet::Reference {
  static inline std::map<std::string, int> calls;
};

}  // namespace

namespace dropnet {
#define COUNTED(op)                                                     \
  template <class... Args>                                              \
  auto op(Counting& backend, Args&&... args) {                          \
    ++Counting::calls[#op];                                             \
    return op(static_cast<Reference&>(backend), std::forward<Args>(args)...); \
  }
COUNTED(conv_forward)
COUNTED(conv_backward)
COUNTED(copy_forward)
COUNTED(copy_backward)
COUNTED(dropin_forward)
COUNTED(dropin_backward)
#undef COUNTED
}  // namespace dropnet

// Found by argument-dependent lookup, as any backend's ops are.
namespace {
using dropnet::conv_backward;
using dropnet::conv_forward;
using dropnet::copy_backward;
using dropnet::copy_forward;
using dropnet::dropin_backward;
using dropnet::dropin_forward;
}  // namespace

using namespace dropnet;
using In = Image<2, 5, 5>;
using Same = Conv<2, 3, Pad<1>>;

namespace {

using Calls = std::map<std::string, int>;

template <class Spec>
Calls calls_at(std::vector<double> p) {
  Network<Spec, In, Counting, double> net;
  Workspace<decltype(net)> ws(net, 2, Purpose::train);
  for (std::size_t k = 0; k < p.size(); ++k) net.shares()[k].p = p[k];
  Counting::calls.clear();
  net.forward(ws, {.training = true});
  net.backward(ws);
  return Counting::calls;
}

}  // namespace

TEST_CASE("closed sites run nothing, complete ones mix nothing") {
  using Stack = DropInStack<Same, Same, 3>;
  CHECK(calls_at<Stack>({0, 0, 0}) == Calls{{"conv_forward", 1}, {"conv_backward", 1}});
  CHECK(calls_at<Stack>({1, 1, 1}) == Calls{{"conv_forward", 4}, {"conv_backward", 4}});
  CHECK(calls_at<Stack>({1, 0.5, 0}) == Calls{{"conv_forward", 3}, {"conv_backward", 3}, {"dropin_forward", 1}, {"dropin_backward", 1}});
  CHECK(calls_at<DropIn<Identity, Same>>({1}) == Calls{{"conv_forward", 1}, {"conv_backward", 1}});
  CHECK(calls_at<DropIn<Identity, Sequential<Same, Same>>>({0}) == Calls{{"copy_forward", 1}});
  CHECK(calls_at<DropIn<Same, DropIn<Same, Same>>>({0, 1}) == Calls{{"conv_forward", 1}, {"conv_backward", 1}});
}
