#pragma once

namespace dropnet::detail {

// What one layer hands on to the next is read no more once the next one has gone back: its gradient may lie over its values. A layer
// says so with two members; what does not say so, such as a layer of a user's own, keeps values and gradients apart.

/// `overwrites_input`: backward may put x's gradient where x's values lie.
template <class Layer>
inline constexpr bool overwrites_input = requires { requires Layer::overwrites_input; };

/// `forgets_output`: backward never reads y's values.
template <class Layer>
inline constexpr bool forgets_output = requires { requires Layer::forgets_output; };

/// Whether it may for what Writer hands on to Reader.
template <class Writer, class Reader>
inline constexpr bool in_place = forgets_output<Writer> && overwrites_input<Reader>;

}  // namespace dropnet::detail
