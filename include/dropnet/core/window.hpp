#pragma once

#include <cstddef>

namespace dropnet {

/// Rows and columns of a kernel, a stride, a padding or a dilation; a number alone stands for both.
struct Size {
  int height, width;
  constexpr Size(int both) : height(both), width(both) {}
  constexpr Size(int rows, int columns) : height(rows), width(columns) {}
  constexpr bool square() const { return height == width; }
  friend constexpr bool operator==(const Size&, const Size&) = default;
};

/// Options of layers that slide a window, in any order: `Conv<96, 11, Stride<4>>`, `Conv<20, 3, Pad<1>>`. A second
/// number is for columns: `Stride<2, 1>`.
template <int Height, int Width = Height>
struct Stride {
  static_assert(Height > 0 && Width > 0, "dropnet: Stride: the stride must be at least 1");
};
template <int Height, int Width = Height>
struct Pad {
  static_assert(Height >= 0 && Width >= 0, "dropnet: Pad: the padding must not be negative");
};
template <int Height, int Width = Height>
struct Dilation {
  static_assert(Height > 0 && Width > 0, "dropnet: Dilation: the dilation must be at least 1");
};
/// Filters and input channels fall into so many groups that do not see each other.
template <int N>
struct Groups {
  static_assert(N > 0, "dropnet: Groups: the number of groups must be at least 1");
};
/// Pooling's sizes round down instead of up.
struct Floor {};

/// A window that slides over In and makes Out: what convolution and pooling ops need to know.
template <class In, class Out, Size Kernel, Size StrideN, Size PadN, Size DilationN = Size(1), int GroupsN = 1>
struct Window {
  using in = In;
  using out = Out;
  static constexpr Size kernel = Kernel;
  static constexpr Size stride = StrideN;
  static constexpr Size pad = PadN;
  static constexpr Size dilation = DilationN;
  static constexpr int groups = GroupsN;
  static constexpr int taps = Kernel.height * Kernel.width;
  /// Of the input and of the output in a group.
  static constexpr int group_channels = In::channels / GroupsN;
  static constexpr int group_filters = Out::channels / GroupsN;
  /// Scalars, [filter][channel of its group][row][column].
  static constexpr std::size_t weights = std::size_t(Out::channels) * group_channels * taps;
};

namespace detail {

/// What an option says, added up over a layer's options: each may be given once.
struct OptionSum {
  int known = 0, strides = 0, pads = 0, dilations = 0, groupings = 0, floors = 0;
  Size stride = 0, pad = 0, dilation = 0;
  int groups = 0;
};
constexpr Size operator+(Size a, Size b) { return {a.height + b.height, a.width + b.width}; }
constexpr OptionSum operator+(const OptionSum& a, const OptionSum& b) {
  return {a.known + b.known,   a.strides + b.strides, a.pads + b.pads,           a.dilations + b.dilations, a.groupings + b.groupings,
          a.floors + b.floors, a.stride + b.stride,   a.pad + b.pad, a.dilation + b.dilation,   a.groups + b.groups};
}

template <class Option>
struct OptionValue {
  static constexpr OptionSum value{};
};
template <int H, int W>
struct OptionValue<Stride<H, W>> {
  static constexpr OptionSum value{.known = 1, .strides = 1, .stride = Size(H, W)};
};
template <int H, int W>
struct OptionValue<Pad<H, W>> {
  static constexpr OptionSum value{.known = 1, .pads = 1, .pad = Size(H, W)};
};
template <int H, int W>
struct OptionValue<Dilation<H, W>> {
  static constexpr OptionSum value{.known = 1, .dilations = 1, .dilation = Size(H, W)};
};
template <int N>
struct OptionValue<Groups<N>> {
  static constexpr OptionSum value{.known = 1, .groupings = 1, .groups = N};
};
template <>
struct OptionValue<Floor> {
  static constexpr OptionSum value{.known = 1, .floors = 1};
};

/// The options picked out of a layer's list.
template <class... Options>
struct WindowOptions {
  static constexpr OptionSum sum = (OptionSum{} + ... + OptionValue<Options>::value);
  static constexpr bool known = sum.known == int(sizeof...(Options));
  static_assert(sum.strides <= 1, "dropnet: Stride<> is given more than once");
  static_assert(sum.pads <= 1, "dropnet: Pad<> is given more than once");
  static_assert(sum.dilations <= 1, "dropnet: Dilation<> is given more than once");
  static_assert(sum.groupings <= 1, "dropnet: Groups<> is given more than once");
  static constexpr Size stride(Size otherwise) { return sum.strides ? sum.stride : otherwise; }
  static constexpr Size pad = sum.pad;
  static constexpr Size dilation = sum.dilations ? sum.dilation : Size(1);
  static constexpr int groups = sum.groupings ? sum.groups : 1;
  static constexpr bool floor = sum.floors > 0;
  static constexpr bool pools = sum.dilations + sum.groupings == 0;  ///< no options of convolution
};

}  // namespace detail
}  // namespace dropnet
