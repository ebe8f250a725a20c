#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "dropnet/core/in_place.hpp"
#include "dropnet/core/scope.hpp"
#include "dropnet/layers/relu.hpp"

namespace dropnet {

template <class... Layers>
struct Sequential;

namespace detail {
/// Layers that compute each channel of their output from the same channel of their input, and have no weights: what they are given of
/// channels that are not wanted may be anything.
template <class Layer>
inline constexpr bool by_channel = requires { requires Layer::by_channel; };

/// How many of a layer's last parts are by_channel: 1 for Sequential<Conv, ReLU>.
template <class Layer>
inline constexpr int trailing_by_channel = by_channel<Layer>;
template <class... Layers>
inline constexpr int trailing_by_channel<Sequential<Layers...>> = [] {
  int count = 0;
  ((count = by_channel<Layers> ? count + 1 : 0), ...);
  return count;
}();
}  // namespace detail

/// Layers one after the other. A type (`Sequential<Conv<20, 5>, ReLU>`), or a value (`Sequential{Conv<20, 5>{}, ReLU{}}`).
template <class Last>
struct Sequential<Last> {
  static constexpr bool overwrites_input = detail::overwrites_input<Last>, forgets_output = detail::forgets_output<Last>;
  Last head{};

  constexpr Sequential() = default;
  constexpr Sequential(Last last) : head(std::move(last)) {}

  template <class In>
  static constexpr auto output(In in) { return Last::output(in); }
  template <class In>
  constexpr Extent extent(In in) const { return head.extent(in); }
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { head.forward(s, x, y); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { head.backward(s, x, y); }
  template <class S, class X, class Y>
  void run(S s, X x, Y y) const { head.forward(s, x, y); }
  template <class S, class X, class Y>
  void run_back(S s, X x, Y y) const { head.backward(s, x, y); }
  template <class In>
  static constexpr std::size_t link_size(In) { return 0; }
  /// The first channel of the input that is wanted, if those of the output are from here on.
  static constexpr int wanted(int from) { return detail::by_channel<Last> ? from : 0; }
  template <class In>
  constexpr std::size_t transient(In in) const { return head.extent(in).transient; }
  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    v.enter_child();
    head.visit(v, at, in);
    v.leave_child();
  }

  // Of a sequence that begins with the ReLU of a fused pair, as below.
  template <class S, class H, class Y, class Write>
  void forward_fused(S, H, Y y, Write write) const { write(y); }
  template <class S, class H, class Y>
  H backward_fused(S s, H h, Y y) const {
    h.data = y.data;
    head.backward(s, h, y);
    return h;
  }
};

template <class Head, class... Rest>
struct Sequential<Head, Rest...> {
  using Tail = Sequential<Rest...>;
  // A ReLU at the end may have been fused, as below.
  static constexpr bool overwrites_input = detail::overwrites_input<Head>,
                        forgets_output = Tail::forgets_output && !(sizeof...(Rest) == 1 && std::is_same_v<decltype(Tail::head), ReLU>);
  static constexpr int links = sizeof...(Rest) > 1 ? 2 : 1;
  Head head{};
  Tail tail{};

  constexpr Sequential() = default;
  constexpr Sequential(Head h, Rest... rest) : head(std::move(h)), tail(std::move(rest)...) {}
  constexpr Sequential(Head h, Tail t) requires(sizeof...(Rest) > 1) : head(std::move(h)), tail(std::move(t)) {}

  template <class In>
  static constexpr auto output(In in) { return Tail::output(Head::output(in)); }

  template <class In>
  constexpr Extent extent(In in) const {
    const auto h = Head::output(in);
    Extent e = extents::activations(h) + head.extent(in) + tail.extent(h);
    e.transient = transient(in);
    return e.holding(std::size_t(links) * padded(link_size(in)));
  }

  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const { run(s.chain(link_size(typename X::shape{}), links), x, y); }

  // h, the head's output, lies first, then what the head needs, then what the tail needs.
  template <class S, class X, class Y>
  void run(S s, X x, Y y) const {
    const auto h = s.link(Head::output(typename X::shape{})).channels_from(Tail::wanted(y.from));
    const S after = s + head.extent(typename X::shape{});
    if constexpr (fuses<S, X>)
      if (s.may_fuse()) return tail.forward_fused(after, h, y, [&](auto to) { head.forward_relu(s, x, to); });
    head.forward(s, x, h);
    tail.run(after, h, y);
  }
  static constexpr int wanted(int from) { return detail::by_channel<Head> ? Tail::wanted(from) : 0; }
  /// The size of the largest link of this chain: of all that its layers hand on to the next one.
  template <class In>
  static constexpr std::size_t link_size(In in) {
    const auto h = Head::output(in);
    return std::max(std::size_t(decltype(h)::size), Tail::link_size(h));
  }
  /// What the neediest of its layers takes itself.
  template <class In>
  constexpr std::size_t transient(In in) const { return std::max(head.extent(in).transient, tail.transient(Head::output(in))); }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const { run_back(s.chain(link_size(typename X::shape{}), links), x, y); }
  template <class S, class X, class Y>
  void run_back(S s, X x, Y y) const {
    auto h = s.link(Head::output(typename X::shape{})).channels_from(Tail::wanted(y.from));
    const S after = s + head.extent(typename X::shape{});
    if (!x.diff && head.extent(typename X::shape{}).parameters == 0) {  // nobody asks for h's gradient
      h.diff = nullptr;
      return tail.run_back(after, h, y);
    }
    if (fuses<S, X> && s.may_fuse()) {
      if constexpr (fuses<S, X>) h = tail.backward_fused(after, h, y);
    } else {
      if constexpr (detail::in_place<Head, decltype(Tail::head)>) h = s.over(h);
      tail.run_back(after, h, y);
    }
    head.backward(s, x, h);
  }

  // Of a sequence that begins with the ReLU of a fused pair: `write` makes the ReLU's output out of the input of the
  // layer before it, whose own output h is left unwritten. Where ReLU's backward asks for the sign of h it is given the
  // sign of the output: they differ only where a DropIn has put another unit, and no gradient comes back from there.
  template <class S, class H, class Y, class Write>
  void forward_fused(S s, H, Y y, Write write) const {
    s.turn();  // nothing is written to h: its place is free, the other one holds what is read
    const auto to = s.link(typename H::shape{}).channels_from(Tail::wanted(y.from));
    write(to);
    tail.run(s + head.extent(typename H::shape{}), to, y);
  }
  template <class S, class H, class Y>
  H backward_fused(S s, H h, Y y) const {
    const auto to = s.link(typename H::shape{}).channels_from(Tail::wanted(y.from));
    tail.run_back(s + head.extent(typename H::shape{}), to, y);
    h.data = to.data;
    h = s.over(h);
    head.backward(s, h, to);
    return h;
  }

  template <class Visitor, class In>
  constexpr void visit(Visitor& v, Extent at, In in) const {
    const auto h = Head::output(in);
    at = at + extents::activations(h);
    v.enter_child();
    head.visit(v, at, in);
    v.leave_child();
    tail.visit(v, at + head.extent(in), h);
  }

 private:
  /// Whether the backend has one op for the head and a ReLU that follows it.
  template <class S, class X>
  static constexpr bool fuses = std::is_same_v<decltype(Tail::head), ReLU> && requires(const Head& h, S s, X x) {
    h.forward_relu(s, x, s.take(Head::output(typename X::shape{})));
  };
};

template <class... Layers>
Sequential(Layers...) -> Sequential<Layers...>;

}  // namespace dropnet
