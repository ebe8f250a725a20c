#pragma once

#include <string>
#include <type_traits>

#include "dropnet/core/blob.hpp"
#include "dropnet/core/window.hpp"
#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv_direct.hpp"
#include "dropnet/cpu/conv_groups.hpp"
#include "dropnet/cpu/conv_large.hpp"
#include "dropnet/cpu/conv_patches.hpp"
#include "dropnet/cpu/conv_phases.hpp"
#include "dropnet/cpu/conv_winograd.hpp"

namespace dropnet {

namespace detail {

/// The kernels that a window gets.
template <class W, class T>
struct ConvKernels {
  using G = OfGroup<W>;
  using In = typename G::in;
  using Out = typename G::out;
  static constexpr int K = W::kernel.height, P = W::pad.height;
  static constexpr bool dense = W::stride == Size(1) && W::dilation == Size(1), plain = dense && W::kernel.square() && W::pad.square();
  // A product's tile has so many rows of filters; where a window is not plain, direct kernels are faster only if those are mostly empty.
  static constexpr bool is_direct = direct::serves<T, G>() && ((plain && P < K) || Out::channels < Product<T>::group / 2);
  using Others = std::conditional_t<is_direct, DirectConv<W, T>, ByGroups<W, T, PatchConv>>;
  static constexpr bool is_large = dense && (W::kernel.height > 5 || W::kernel.width > 5) && winograd::large_pays<T, In, Out, W::kernel, W::pad>();
  template <Pass Which>
  static constexpr bool by_phases = !is_direct && phases_pay<T, G, Which>();

  template <bool Tiles, bool Phases>
  using chosen = std::conditional_t<Tiles, ByGroups<W, T, WinogradConv>,
                                    std::conditional_t<is_large, ByGroups<W, T, LargeConv>, std::conditional_t<Phases, ByGroups<W, T, PhasesConv>, Others>>>;
  using forward = chosen<plain && winograd::correlation_pays<T, In, Out, K, P>(), by_phases<Pass::forward>>;
  using backward_data = chosen<plain && winograd::correlation_pays<T, Out, In, K, K - 1 - P>(), by_phases<Pass::backward_data>>;
  using backward_weights = chosen<plain && winograd::gradient_pays<T, In, Out, K, P>(), by_phases<Pass::backward_weights>>;
};

}  // namespace detail

template <class W, class T>
void conv_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::ConvKernels<W, T>::forward::forward(cpu, x, w, b, y, detail::no_least<T>);
}

/// conv_forward and relu_forward in one.
template <class W, class T>
void conv_relu_forward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  detail::ConvKernels<W, T>::forward::forward(cpu, x, w, b, y, T(0));
}

template <class W, class T>
void conv_backward(Cpu& cpu, W, Blob<T, typename W::in> x, Weight<T> w, Weight<T> b, Blob<T, typename W::out> y) {
  using Kernels = detail::ConvKernels<W, T>;
  if (w.diff) Kernels::backward_weights::backward_weights(cpu, x, w, b, y);
  if (x.diff) Kernels::backward_data::backward_data(cpu, x, w, y);
}

/// What serves a window: forward, or backward for the weights and for the input.
template <class W, class T>
std::string conv_kernel(const Cpu&, W, Blob<T, typename W::in> x, bool forward) {
  using Kernels = detail::ConvKernels<W, T>;
  if (forward) return Kernels::forward::name;
  std::string names = Kernels::backward_weights::name;
  if (x.diff && names != Kernels::backward_data::name) names.append(", ").append(Kernels::backward_data::name);
  return names;
}

}  // namespace dropnet
