#pragma once

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/shape.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_sums.hpp"

namespace dropnet::detail {

/// A group's channels of a sample. Samples lie as far apart as those of all groups.
template <class Shape, int Groups>
struct GroupShape : Image<Shape::channels / Groups, Shape::height, Shape::width> {
  static constexpr std::size_t size = Shape::size;
};

/// The convolution of one group.
template <class W>
using OfGroup = std::conditional_t<W::groups == 1, W, Window<GroupShape<typename W::in, W::groups>, GroupShape<typename W::out, W::groups>, W::kernel,
                                                             W::stride, W::pad, W::dilation>>;

/// Of W's input or output, what group g has of it.
template <class W, class T, class Shape>
auto of_group(const Blob<T, Shape>& b, int g) {
  if constexpr (W::groups == 1) {
    return b;
  } else {
    using Part = GroupShape<Shape, W::groups>;
    const std::size_t begin = std::size_t(g * Part::channels) * Part::plane;
    return Blob<T, Part>{b.data + begin, b.diff ? b.diff + begin : nullptr, b.batch, b.add, std::clamp(b.from - g * Part::channels, 0, Part::channels)};
  }
}
/// Of `size` weights, those of group g.
template <class W, class T>
Weight<T> of_group(const Weight<T>& w, std::size_t size, int g) {
  const std::size_t begin = size / W::groups * std::size_t(g);
  return {w.data ? w.data + begin : nullptr, w.diff ? w.diff + begin : nullptr, w.add};
}

/// A convolution's groups, by a kernel for one.
template <class W, class T, class Kernel>
struct EachGroup {
  static constexpr const char* name = Kernel::name;

  static void forward(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y, T least) {
    each(cpu, x, w, b, y, [=](Cpu& alone, auto in, auto weights, auto biases, auto out) { Kernel::forward(alone, in, weights, biases, out, least); });
  }
  static void backward_data(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Blob<T, typename W::out> y) {
    each(cpu, x, w, {}, y, [](Cpu& alone, auto in, auto weights, auto, auto out) { Kernel::backward_data(alone, in, weights, out); });
  }
  static void backward_weights(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
    each(cpu, x, w, b, y, [](Cpu& alone, auto in, auto weights, auto biases, auto out) { Kernel::backward_weights(alone, in, weights, biases, out); });
  }

 private:
  template <class Work>
  static void each(Cpu& cpu, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y, Work work) {
    cpu.each_alone(W::groups, conv_operations<W>(x.batch), [&](int g, Cpu& alone) {
      work(alone, of_group<W>(x, g), of_group<W>(w, W::weights, g), of_group<W>(b, std::size_t(W::out::channels), g), of_group<W>(y, g));
    });
  }
};
template <class W, class T, template <class, class> class Conv>
using ByGroups = std::conditional_t<W::groups == 1, Conv<OfGroup<W>, T>, EachGroup<W, T, Conv<OfGroup<W>, T>>>;

}  // namespace dropnet::detail
