#pragma once

#include <algorithm>
#include <type_traits>

#include "dropnet/core/in_place.hpp"
#include "dropnet/core/scope.hpp"
#include "dropnet/layers/identity.hpp"
#include "dropnet/layers/resize.hpp"
#include "dropnet/layers/sequential.hpp"

namespace dropnet {

namespace detail {

template <class Adapter>
inline constexpr bool is_resize = false;
template <int... Shape>
inline constexpr bool is_resize<Resize<Shape...>> = true;

/// A site: u -> y, where y_i = r_i v_i + (1 - r_i) u_i and v = New(u). New writes v into y, and what is not let in
/// is overwritten with u: no place is needed for v, and at p = 1 nothing is copied.
template <class New, class Adapter>
struct Site {
  static constexpr bool adapts = !std::is_void_v<Adapter>;
  static_assert(!adapts || is_resize<Adapter>, "dropnet: DropIn: the third argument adapts Prev's output; it must be Resize<> or Resize<C, H, W>");
  const New& added;

  /// The type of the layer that makes u agree with v: Resize<> takes its shape from v.
  template <class In>
  static constexpr auto adapter(In in) {
    using Out = decltype(New::output(in));
    if constexpr (std::is_same_v<Adapter, Resize<>>)
      return Resize<Out::channels, Out::height, Out::width>{};
    else if constexpr (adapts)
      return Adapter{};
    else
      return Identity{};
  }

  template <class In>
  static constexpr auto output(In in) {
    using U = decltype(adapter(in).output(in));
    using V = decltype(New::output(in));
    static_assert(std::is_same_v<V, U>,
                  "dropnet: DropIn: New's output must have the shape of Prev's output; change New, or adapt Prev with DropIn<Prev, New, Resize<>>");
    return V{};
  }

  /// What the adapter takes: nothing, or a place for its output and its own extent.
  template <class In>
  static constexpr Extent adapter_extent(In in) {
    if constexpr (adapts)
      return extents::activations(output(in)) + adapter(in).extent(in);
    else
      return {};
  }
  template <class In>
  constexpr Extent extent(In in) const {
    return extents::site() + adapter_extent(in) + added.extent(in) + extents::layer();
  }

  template <class S, class X, class Y>
  void forward(S s, X u, Y y) const {
    const Share share = s.share();
    const auto in = typename X::shape{};
    const S inside = s + extents::site() + adapter_extent(in);
    if (!share.closed()) added.forward(inside, u, let_in(s, y));
    if (share.complete()) return;
    if constexpr (adapts) {
      const auto resized = s.take(output(in));
      const auto to = share.closed() ? y : resized;
      adapter(in).forward(s, u, to);
      if (!share.closed()) mix_forward(s, inside + added.extent(in), resized, y);
    } else {
      mix_forward(s, inside + added.extent(in), u, y);
    }
  }

  /// Splits y.diff into u's part and, in place, v's part. u.diff is written (or added to) by the
  /// connection that skips New, and then added to by New.
  template <class S, class X, class Y>
  void backward(S s, X u, Y y) const {
    const Share share = s.share();
    const auto in = typename X::shape{};
    const S inside = s + extents::site() + adapter_extent(in);
    if (share.complete()) return added.backward(inside, u, y);
    if constexpr (adapts) {
      const auto resized = s.take(output(in));
      if (share.closed()) return adapter(in).backward(s, u, y);
      mix_backward(s, inside + added.extent(in), resized, y);
      adapter(in).backward(s, u, resized);
    } else {
      mix_backward(s, inside + added.extent(in), u, y);
    }
    added.backward(inside, u.adding(), let_in(s, y));
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    v.enter_site(at, output(in));
    Extent inside = at + extents::site();
    v.fork();
    if constexpr (adapts) adapter(in).visit(v, inside + extents::activations(output(in)), in);
    v.end_branch();
    inside = inside + adapter_extent(in);
    added.visit(v, inside, in);
    v.partial(trailing_by_channel<New>);
    v.end_branch();
    v.join();
    const auto out = output(in);
    v.layer("dropin", inside + added.extent(in), out, out, 0);
    v.leave_site();
  }

 private:
  template <class Y, class S>
  static Mix mix(S s) {
    return {s.share(), Y::sample_size, std::size_t(Y::shape::channels), s.training(), s.random(Random::dropin, s.site(), Y::sample_size)};
  }
  /// What New has to compute: the channels of which anything is let in.
  template <class S, class Y>
  static Y let_in(S s, Y y) { return y.channels_from(int(mix<Y>(s).first_channel(Y::sample_size, std::size_t(Y::shape::channels)))); }
  /// `row` is the scope of the mixing itself, which is a layer to probes.
  template <class S, class U, class Y>
  static void mix_forward(S s, S row, U u, Y y) {
    probed(row, Direction::forward, y, [&] { dropin_forward(s.backend(), mix<Y>(s), u, y); });
  }
  template <class S, class U, class Y>
  static void mix_backward(S s, S row, U u, Y y) {
    probed(row, Direction::backward, y, [&] { dropin_backward(s.backend(), mix<Y>(s), u, y); });
  }
};

/// First and then `count` sites. Step k is the place of site k's input u, then the site. Closed sites are stepped
/// over: whoever is before them writes where the next open site reads, or, behind the last one, into y.
template <class First, class New, class Adapter>
struct Stack {
  using Grow = Site<New, Adapter>;
  static constexpr bool skips = std::is_same_v<First, Identity>;  ///< u is x itself
  static constexpr bool forgets_output = detail::forgets_output<First> && detail::forgets_output<New>;
  const First& first;
  Grow site;
  int count;

  template <class In>
  constexpr Extent step(In in) const {
    const auto u = First::output(in);
    return extents::activations(u) + site.extent(u);
  }
  template <class In>
  constexpr Extent extent(In in) const {
    const auto u = First::output(in);
    Extent e = first.extent(in) + count * step(in);
    e.transient = std::max(first.extent(in).transient, site.extent(u).transient);
    return e.holding(std::size_t(std::min(count, 2)) * padded(decltype(u)::size));
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    Walk<S, X> walk{*this, s.chain(decltype(First::output(typename X::shape{}))::size, count)};
    int k = walk.open_from(0);
    if (k == count) return first_into(s, x, y);
    auto u = walk.input(k, x);
    if constexpr (!skips) first.forward(walk.s, x, u);
    if constexpr (Grow::adapts) {  // one site only, for u and y differ
      site.forward(walk.inside(k), u, y);
    } else {
      for (int next; k < count; k = next) {
        next = walk.open_from(k + 1);
        walk.s.turn();
        const Y to = next < count ? walk.place(next) : y;
        site.forward(walk.inside(k), u, to);
        u = to;
      }
    }
  }

  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    Walk<S, X> walk{*this, s.chain(decltype(First::output(typename X::shape{}))::size, count)};
    int k = walk.open_down_to(count - 1);
    if (k < 0) return first_from(s, x, y);
    auto u = walk.input(k, x);
    if constexpr (Grow::adapts) {
      site.backward(walk.inside(k), u, y);
    } else {
      site.backward(walk.inside(k), u, y);
      while ((k = walk.open_down_to(k - 1)) >= 0) {
        walk.s.turn();
        const Y to = u;
        u = walk.input(k, x);
        site.backward(walk.inside(k), u, to);
      }
    }
    if constexpr (!skips) first.backward(walk.s, x, u);
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    first.visit(v, at, in);
    const auto u = First::output(in);
    at = at + first.extent(in);
    for (int k = 0; k < count; ++k) site.visit(v, at + k * step(in) + extents::activations(u), u);
  }

 private:
  template <class S, class X>
  struct Walk {
    const Stack& stack;
    S s;
    using In = typename X::shape;
    using U = decltype(First::output(In{}));

    S at(int k) const { return s + stack.first.extent(In{}) + k * stack.step(In{}); }
    auto place(int k) const { return at(k).link(U{}); }
    S inside(int k) const { return at(k) + extents::activations(U{}); }
    bool open(int k) const { return Grow::adapts || !at(k).share().closed(); }
    int open_from(int k) const {
      while (k < stack.count && !open(k)) ++k;
      return k;
    }
    int open_down_to(int k) const {
      while (k >= 0 && !open(k)) --k;
      return k;
    }
    /// The same with its gradient over it, where site k alone reads it.
    auto place_back(int k) const {
      auto u = place(k);
      if constexpr (forgets_output && overwrites_input<New>)
        if (at(k).share().complete()) u = s.over(u);
      return u;
    }
    /// Site k's input: x itself where First is Identity and no open site lies before.
    auto input(int k, X x) const {
      if constexpr (skips)
        return open_down_to(k - 1) < 0 ? x : place_back(k);
      else
        return (void)x, place_back(k);
    }
  };

  // No site is open: y is First's output. With an adapter the one site always runs.
  template <class S, class X, class Y>
  void first_into(S s, X x, Y y) const {
    if constexpr (!Grow::adapts) first.forward(s, x, y);
  }
  template <class S, class X, class Y>
  void first_from(S s, X x, Y y) const {
    if constexpr (!Grow::adapts) first.backward(s, x, y);
  }
};

}  // namespace detail

/// Section 3, Eq. 5: u = Prev(x), v = New(u), y_i = r_i v_i + (1 - r_i) u_i; the gradient of unit i goes to the branch
/// that it came from. A growth schedule sets the share p of units with r_i = 1; at p = 0 New does not run.
/// u and v must have the same shape; `DropIn<Prev, New, Resize<>>` adapts u to v's.
template <class Prev, class New, class Adapter = void>
struct DropIn {
  static constexpr bool overwrites_input = detail::overwrites_input<Prev>, forgets_output = detail::Stack<Prev, New, Adapter>::forgets_output;
  Prev prev{};
  New added{};

  template <class In>
  static constexpr auto output(In in) { return detail::Site<New, Adapter>::output(Prev::output(in)); }
  template <class In>
  constexpr Extent extent(In in) const { return stack().extent(in); }
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { stack().forward(s, x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { stack().backward(s, x, y); }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const { stack().visit(v, at, in); }

 private:
  constexpr detail::Stack<Prev, New, Adapter> stack() const { return {prev, {added}, 1}; }
};

template <class Prev, class New>
DropIn(Prev, New) -> DropIn<Prev, New>;

/// `DropInStack<First, New, 3>` is DropIn<DropIn<DropIn<First, New>, New>, New>, bit for bit, each New with weights of
/// its own; `DropInStack<First, New, Dynamic>{.count = 3}` is the same with the count given at run time.
template <class First, class New, int Count>
struct DropInStack {
  static constexpr bool overwrites_input = detail::overwrites_input<First>, forgets_output = detail::Stack<First, New, void>::forgets_output;
  First first{};
  New added{};
  detail::Count<Count> count{};

  template <class In>
  static constexpr auto output(In in) {
    using U = decltype(First::output(in));
    static_assert(std::is_same_v<decltype(New::output(U{})), U>,
                  "dropnet: DropInStack: New's output must have the shape of its input; change its padding or number of filters");
    return U{};
  }
  template <class In>
  constexpr Extent extent(In in) const { return stack().extent(in); }
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { stack().forward(s, x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { stack().backward(s, x, y); }

  /// Throws Error if a Dynamic count was not given.
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    v.require_count("DropInStack", count.given());
    stack().visit(v, at, in);
  }

 private:
  constexpr detail::Stack<First, New, void> stack() const { return {first, {added}, count}; }
};

}  // namespace dropnet
