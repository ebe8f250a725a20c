#pragma once

#include <algorithm>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>

#include "dropnet/core/scope.hpp"
#include "dropnet/layers/identity.hpp"

namespace dropnet::detail {

/// Branches side by side from one input: what Add and Concat share. Each branch's output has a place of its own, its part;
/// Identity's is the input itself.
template <class... Branches>
struct Fork {
  static_assert(sizeof...(Branches) >= 2, "dropnet: Add, Concat: there must be at least two branches");
  std::tuple<Branches...> branches{};

  constexpr Fork() = default;
  constexpr Fork(Branches... b) : branches(std::move(b)...) {}

  template <class In>
  constexpr Extent extent(In in) const {
    return std::apply([&](const auto&... b) {
      Extent inside = (whole(b, in) + ...);
      inside.transient = std::max({b.extent(in).transient...});
      return inside.holding((place(b, in).transient + ...));
    }, branches) + extents::layer();
  }

 protected:
  template <class Branch>
  static constexpr bool passes = std::is_same_v<Branch, Identity>;

  template <class Branch, class In>
  static constexpr Extent place(const Branch&, In in) {
    if constexpr (passes<Branch>)
      return {};
    else
      return extents::activations(Branch::output(in));
  }
  template <class Branch, class In>
  static constexpr Extent whole(const Branch& b, In in) { return place(b, in) + b.extent(in); }

  /// Calls visit(branch, its scope, its part) for each; the scope behind them, which is the fork's own. What a branch takes
  /// lies behind all parts.
  template <class S, class X, class Visit>
  S each(S s, X x, Visit visit) const {
    const auto in = typename X::shape{};
    S parts = s;
    const auto none = [](const auto&, S, auto) {};
    std::apply([&](const auto&... b) {
      (step(b, in, parts, x, none), ...);
      (step(b, in, s, x, [&](const auto& branch, S inside, auto part) { visit(branch, inside.behind(parts), part); }), ...);
    }, branches);
    return s;
  }

  template <class S, class X>
  void run_branches(S s, X x) const {
    each(s, x, [&](const auto& branch, S inside, auto part) {
      if constexpr (!passes<std::decay_t<decltype(branch)>>) branch.forward(inside, x, part);
    });
  }

  /// Backward: give(part, its offset in channels) brings y's gradient to each part's, all of them before the first
  /// branch goes back along its own. What skips writes to x's gradient, or adds to what another one wrote.
  template <class S, class X, class Y, class Give>
  void backward_branches(S s, X x, Y y, Give give) const {
    bool written = false;
    const auto next = [&](auto to) { return std::exchange(written, true) ? to.adding() : to; };
    const S own = each(s, x, [](const auto&, S, auto) {});
    probed(own, Direction::backward, y, [&] {
      int channel = 0;
      each(s, x, [&](const auto& branch, S, auto part) {
        if constexpr (!passes<std::decay_t<decltype(branch)>>)
          give(part, channel);
        else if (part.diff)
          give(next(part), channel);
        channel += decltype(part)::shape::channels;
      });
    });
    each(s, x, [&](const auto& branch, S inside, auto part) {
      if constexpr (!passes<std::decay_t<decltype(branch)>>) branch.backward(inside, next(x), part);
    });
  }

  template <class Visitor, class In, class Out>
  constexpr void visit_branches(Visitor& v, const char* kind, Extent at, In in, Out out) const {
    v.fork();
    std::apply([&](const auto&... b) { ((b.visit(v, at + place(b, in), in), v.end_branch(), at = at + whole(b, in)), ...); }, branches);
    v.join();
    v.layer(kind, at, in, out, 0);
  }

 private:
  template <class Branch, class In, class S, class X, class Visit>
  static void step(const Branch& b, In in, S& s, X x, const Visit& visit) {
    if constexpr (passes<Branch>) {
      visit(b, s, x);
    } else {
      const auto part = s.take(Branch::output(in));
      visit(b, s, part);
    }
    s = s + b.extent(in);
  }
};

}  // namespace dropnet::detail
