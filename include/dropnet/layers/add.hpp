#pragma once

#include <array>
#include <type_traits>

#include "dropnet/layers/fork.hpp"

namespace dropnet {

/// y = A(x) + B(x) + ..., all of one shape: `Add<Identity, Sequential<Conv<64, 3, Pad<1>>, BatchNorm, ReLU, ...>>` is a
/// residual block. A type, or a value: Add{A{}, B{}}.
template <class... Branches>
struct Add : detail::Fork<Branches...> {
  using detail::Fork<Branches...>::Fork;

  template <class In>
  static constexpr auto output(In in) { return same(Branches::output(in)...); }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    this->run_branches(s, x);
    std::array<Y, sizeof...(Branches)> parts;
    std::size_t k = 0;
    const S own = this->each(s, x, [&](const auto&, S, auto part) { parts[k++] = part; });
    probed(own, Direction::forward, y, [&] { add_forward(s.backend(), parts, y); });
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    this->backward_branches(s, x, y, [&](auto part, int) { copy_backward(s.backend(), part, y); });
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { this->visit_branches(v, "add", at, in, output(in)); }

 private:
  template <class Out, class... Others>
  static constexpr Out same(Out out, Others... others) {
    (agree(out, others), ...);
    return out;
  }
  template <class Out, class Other>
  static constexpr void agree(Out, Other) {
    static_assert(std::is_same_v<Other, Out>,
                  "dropnet: Add: the branches' outputs must have the same shape; change a branch, or end it with Resize<C, H, W>");
  }
};

template <class... Branches>
Add(Branches...) -> Add<Branches...>;

}  // namespace dropnet
