#pragma once

#include "dropnet/layers/fork.hpp"

namespace dropnet {

/// The channels of A(x), then those of B(x), ...: rows and columns must agree. `Concat<Conv<16, 1>, Conv<24, 3, Pad<1>>>` is
/// an inception block. A type, or a value: Concat{A{}, B{}}.
template <class... Branches>
struct Concat : detail::Fork<Branches...> {
  using detail::Fork<Branches...>::Fork;

  template <class In>
  static constexpr auto output(In in) { return joined(Branches::output(in)...); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    this->run_branches(s, x);
    const S own = this->each(s, x, [](const auto&, S, auto) {});
    probed(own, Direction::forward, y, [&] {
      int channel = 0;
      this->each(s, x, [&](const auto&, S, auto part) {
        concat_forward(s.backend(), part, channel, y);
        channel += decltype(part)::shape::channels;
      });
    });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    this->backward_branches(s, x, y, [&](auto part, int channel) { concat_backward(s.backend(), part, channel, y); });
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { this->visit_branches(v, "concat", at, in, output(in)); }

 private:
  template <class First, class... Others>
  static constexpr auto joined(First first, Others... others) {
    (agree(first, others), ...);
    return Image<(First::channels + ... + Others::channels), First::height, First::width>{};
  }
  template <class First, class Other>
  static constexpr void agree(First, Other) {
    static_assert(Other::height == First::height, "dropnet: Concat: the branches' outputs must have as many rows; change a kernel, stride or pad");
    static_assert(Other::width == First::width, "dropnet: Concat: the branches' outputs must have as many columns; change a kernel, stride or pad");
  }
};

template <class... Branches>
Concat(Branches...) -> Concat<Branches...>;

}  // namespace dropnet
