#pragma once

#include <dropnet/dropnet.hpp>

/// Table 1: LeNet(2N) + DropIn with the depth as a number; N = 1 is LeNet. With rectified, a ReLU follows each
/// convolution, which Caffe's LeNet does not have and the paper leaves open.
template <class First1, class New1, class First2, class New2>
using LeNetOf = dropnet::Sequential<dropnet::DropInStack<First1, New1, dropnet::Dynamic>, dropnet::MaxPool<2>,
                                    dropnet::DropInStack<First2, New2, dropnet::Dynamic>, dropnet::MaxPool<2>,
                                    dropnet::Linear<500>, dropnet::ReLU, dropnet::Linear<10>>;

template <int Filters, int Kernel, class... Options>
using Rectified = dropnet::Sequential<dropnet::Conv<Filters, Kernel, Options...>, dropnet::ReLU>;

using LeNetLinear = LeNetOf<dropnet::Conv<20, 5>, dropnet::Conv<20, 3, dropnet::Pad<1>>,
                            dropnet::Conv<50, 5>, dropnet::Conv<50, 3, dropnet::Pad<1>>>;
using LeNetRectified = LeNetOf<Rectified<20, 5>, Rectified<20, 3, dropnet::Pad<1>>,
                               Rectified<50, 5>, Rectified<50, 3, dropnet::Pad<1>>>;

template <class Spec>
Spec lenet(int n) {
  Spec spec;
  spec.head.count = n - 1;                      // the first stack
  spec.tail.tail.head.count = n - 1;            // the second
  return spec;
}
