#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "dropnet/core/scope.hpp"

namespace dropnet {

/// Layers one after the other. A type (`Sequential<Conv<20, 5>, ReLU>`), or a value (`Sequential{Conv<20, 5>{}, ReLU{}}`).
template <class... Layers>
struct Sequential;

template <class Last>
struct Sequential<Last> {
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
  template <class Visitor, class In>
  void visit(Visitor& v, Extent at, In in) const {
    v.enter_child();
    head.visit(v, at, in);
    v.leave_child();
  }
};

template <class Head, class... Rest>
struct Sequential<Head, Rest...> {
  using Tail = Sequential<Rest...>;
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
    return extents::activations(h) + head.extent(in) + tail.extent(h);
  }

  // h, the head's output, lies first, then what the head needs, then what the tail needs.
  template <class S, class X, class Y>
  void forward(S s, X x, Y y) const {
    const auto h = s.take(Head::output(typename X::shape{}));
    head.forward(s, x, h);
    tail.forward(s + head.extent(typename X::shape{}), h, y);
  }
  template <class S, class X, class Y>
  void backward(S s, X x, Y y) const {
    const auto h = s.take(Head::output(typename X::shape{}));
    tail.backward(s + head.extent(typename X::shape{}), h, y);
    head.backward(s, x, h);
  }

  template <class Visitor, class In>
  void visit(Visitor& v, Extent at, In in) const {
    const auto h = Head::output(in);
    at = at + extents::activations(h);
    v.enter_child();
    head.visit(v, at, in);
    v.leave_child();
    tail.visit(v, at + head.extent(in), h);
  }
};

template <class... Layers>
Sequential(Layers...) -> Sequential<Layers...>;

}  // namespace dropnet
