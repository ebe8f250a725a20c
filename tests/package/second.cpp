// A second translation unit with everything in it: nothing may be defined twice.
#include <dropnet/dropnet.hpp>
#include <dropnet/reference.hpp>
#include <dropnet/weights.hpp>

int second() {
  dropnet::Network<dropnet::Linear<3>, dropnet::Image<1, 6, 6>> net;
  return int(net.architecture().tensors.size());
}
