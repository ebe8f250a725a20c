#include <dropnet/dropnet.hpp>
#include <dropnet/reference.hpp>
#include <dropnet/weights.hpp>

int second();

int main() {
  dropnet::Network<dropnet::Linear<3>, dropnet::Image<1, 6, 6>> net;
  return second() == int(net.architecture().tensors.size()) ? 0 : 1;
}
