#pragma once

namespace dropnet {

/// Options of layers that slide a window, in any order: `Conv<96, 11, Stride<4>>`, `Conv<20, 3, Pad<1>>`.
template <int N>
struct Stride {
  static_assert(N > 0, "dropnet: Stride: the stride must be at least 1");
};
template <int N>
struct Pad {
  static_assert(N >= 0, "dropnet: Pad: the padding must not be negative");
};

/// A square window that slides over In and makes Out: what convolution and pooling ops need to know.
template <class In, class Out, int Kernel, int StrideN, int PadN>
struct Window {
  using in = In;
  using out = Out;
  static constexpr int kernel = Kernel;
  static constexpr int stride = StrideN;
  static constexpr int pad = PadN;
  static constexpr int taps = Kernel * Kernel;
};

namespace detail {

template <class Option>
struct OptionValue {
  static constexpr int stride = 0;
  static constexpr int pad = 0;
  static constexpr bool known = false;
  static constexpr bool is_stride = false;
};
template <int N>
struct OptionValue<Stride<N>> {
  static constexpr int stride = N;
  static constexpr int pad = 0;
  static constexpr bool known = true;
  static constexpr bool is_stride = true;
};
template <int N>
struct OptionValue<Pad<N>> {
  static constexpr int stride = 0;
  static constexpr int pad = N;
  static constexpr bool known = true;
  static constexpr bool is_stride = false;
};

/// Stride<> and Pad<> picked out of a layer's options.
template <int DefaultStride, class... Options>
struct WindowOptions {
  static constexpr bool known = (OptionValue<Options>::known && ...);
  static constexpr int strides = (int(OptionValue<Options>::is_stride) + ... + 0);
  static_assert(strides <= 1, "dropnet: Stride<> is given more than once");
  static_assert(!known || int(sizeof...(Options)) - strides <= 1, "dropnet: Pad<> is given more than once");
  static constexpr int given_stride = (OptionValue<Options>::stride + ... + 0);
  static constexpr int stride = given_stride ? given_stride : DefaultStride;
  static constexpr int pad = (OptionValue<Options>::pad + ... + 0);
};

}  // namespace detail
}  // namespace dropnet
