#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/shape.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_direct.hpp"
#include "dropnet/cpu/conv_patches.hpp"
#include "dropnet/cpu/conv_winograd.hpp"

namespace dropnet {

namespace detail {

/// A group's channels of a sample. Samples lie as far apart as those of all groups.
template <class Shape, int Groups>
struct GroupShape : Image<Shape::channels / Groups, Shape::height, Shape::width> {
  static constexpr std::size_t size = Shape::size;
};

/// The convolution of one group.
template <class W>
using OfGroup = std::conditional_t<W::groups == 1, W, Window<GroupShape<typename W::in, W::groups>, GroupShape<typename W::out, W::groups>, W::kernel, W::stride, W::pad, W::dilation>>;

template <int Groups, class T, class Shape>
Blob<T, GroupShape<Shape, Groups>> of_group(const Blob<T, Shape>& b, int g) {
  using Part = GroupShape<Shape, Groups>;
  const std::size_t begin = std::size_t(g * Part::channels) * Part::plane;
  // One channel is taken at least.
  return {b.data + begin, b.diff ? b.diff + begin : nullptr, b.batch, b.add, std::clamp(b.from - g * Part::channels, 0, Part::channels - 1)};
}
template <int Groups, class T>
Weight<T> of_group(const Weight<T>& w, std::size_t size, int g) {
  const std::size_t begin = size / Groups * std::size_t(g);
  return {w.data + begin, w.diff ? w.diff + begin : nullptr, w.add};
}

/// Calls work<window>(x, w, b, y) for each group.
template <class W, class T, class Work>
void each_group(Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y, Work work) {
  if constexpr (W::groups == 1) {
    work.template operator()<W>(x, w, b, y);
  } else {
    for (int g = 0; g < W::groups; ++g)
      work.template operator()<OfGroup<W>>(of_group<W::groups>(x, g), of_group<W::groups>(w, W::weights, g), of_group<W::groups>(b, W::out::channels, g), of_group<W::groups>(y, g));
  }
}

/// The kernels that a window gets.
template <class W, class T>
struct ConvKernels {
  using In = typename W::in;
  using Out = typename W::out;
  static constexpr int K = W::kernel.height, P = W::pad.height;
  static constexpr bool plain = W::kernel.square() && W::pad.square() && W::stride == Size(1) && W::dilation == Size(1);
  static constexpr auto others() {
    if constexpr (plain && K > 1 && direct::serves<T, In, K, P>())
      return DirectConv<W, T>{};
    else
      return PatchConv<W, T>{};
  }
  template <bool Pays>
  using chosen = std::conditional_t<Pays, WinogradConv<W, T>, decltype(others())>;
  using forward = chosen<plain && winograd::correlation_pays<T, In, Out, K, P>()>;
  using backward_data = chosen<plain && winograd::correlation_pays<T, Out, In, K, K - 1 - P>()>;
  using backward_weights = chosen<plain && winograd::gradient_pays<T, In, Out, K, P>()>;
};

}  // namespace detail

template <class W, class T>
void conv_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::each_group<W>(x, w, b, y, [&]<class G>(auto... of) { detail::ConvKernels<G, T>::forward::forward(cpu, of..., detail::no_least<T>); });
}

/// conv_forward and relu_forward in one.
template <class W, class T>
void conv_relu_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::each_group<W>(x, w, b, y, [&]<class G>(auto... of) { detail::ConvKernels<G, T>::forward::forward(cpu, of..., T(0)); });
}

template <class W, class T>
void conv_backward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::each_group<W>(x, w, b, y, [&]<class G>(auto in, auto weights, auto biases, auto out) {
    using Kernels = detail::ConvKernels<G, T>;
    if (weights.diff) Kernels::backward_weights::backward_weights(cpu, in, weights, biases, out);
    if (in.diff) Kernels::backward_data::backward_data(cpu, in, weights, out);
  });
}

/// What serves a window: forward, or backward for the weights and for the input.
template <class W, class T>
std::string conv_kernel(const Cpu&, W, Blob<T, typename W::in> x, bool forward) {
  using Kernels = detail::ConvKernels<detail::OfGroup<W>, T>;
  if (forward) return Kernels::forward::name;
  std::string names = Kernels::backward_weights::name;
  if (x.diff && names != Kernels::backward_data::name) names.append(", ").append(Kernels::backward_data::name);
  return names;
}

}  // namespace dropnet
