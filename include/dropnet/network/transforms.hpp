#pragma once

#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/layers/add.hpp"
#include "dropnet/layers/concat.hpp"
#include "dropnet/layers/dropin.hpp"
#include "dropnet/layers/frozen.hpp"
#include "dropnet/layers/repeat.hpp"
#include "dropnet/layers/sequential.hpp"
#include "dropnet/network/network.hpp"

namespace dropnet {

namespace detail {

/// Sequential<A, B>, with one Sequential of a chain's layers and without layers that do nothing.
template <class A, class B>
constexpr auto chain(A a, B b) {
  if constexpr (std::is_same_v<A, Identity>)
    return b;
  else if constexpr (std::is_same_v<B, Identity>)
    return a;
  else
    return Sequential<A, B>(std::move(a), std::move(b));
}

/// What a grown network is without what growth adds (shallow), or without the skipping connections (plain).
/// Layers that hold no site stay as they are.
struct ToShallow {
  template <class In, class Prev, class Site>
  static constexpr auto site(In in, Prev prev, const Site& site) {
    using U = decltype(Prev::output(in));
    (void)site;
    return chain(std::move(prev), Site::adapter(U{}));
  }
  template <class First, class New, int N>
  static constexpr auto stack(First first, New, Count<N>) { return first; }
};
struct ToPlain {
  template <class In, class Prev, class Site>
  static constexpr auto site(In, Prev prev, const Site& site) { return chain(std::move(prev), site.added); }
  template <class First, class New, int N>
  static constexpr auto stack(First first, New added, Count<N> count) {
    return chain(std::move(first), Repeat<New, N>{std::move(added), count});
  }
};

template <class To, class In, class Layer>
constexpr auto transformed(In, const Layer& layer) {
  return layer;
}
template <class To, class In, class Last>
constexpr auto transformed(In in, const Sequential<Last>& s);
template <class To, class In, class Head, class Next, class... Rest>
constexpr auto transformed(In in, const Sequential<Head, Next, Rest...>& s);
template <class To, class In, class Layer, int N>
constexpr auto transformed(In in, const Repeat<Layer, N>& r);
template <class To, class In, class Prev, class New, class Adapter>
constexpr auto transformed(In in, const DropIn<Prev, New, Adapter>& d);
template <class To, class In, class First, class New, int N>
constexpr auto transformed(In in, const DropInStack<First, New, N>& d);

template <class To, class In, class... Branches>
constexpr auto transformed(In in, const Add<Branches...>& a);
template <class To, class In, class... Branches>
constexpr auto transformed(In in, const Concat<Branches...>& c);
template <class To, class In, class Layer>
constexpr auto transformed(In in, const Frozen<Layer>& f);

template <class Head, class... Rest>
constexpr auto prepended(Head head, Sequential<Rest...> tail) {
  return Sequential<Head, Rest...>(std::move(head), std::move(tail));
}
template <class Head, class Only>
constexpr auto prepended(Head head, Sequential<Only> tail) {
  return Sequential<Head, Only>(std::move(head), std::move(tail.head));
}

template <class To, class In, class Last>
constexpr auto transformed(In in, const Sequential<Last>& s) {
  using Result = decltype(transformed<To>(in, s.head));
  return Sequential<Result>(transformed<To>(in, s.head));
}
template <class To, class In, class Head, class Next, class... Rest>
constexpr auto transformed(In in, const Sequential<Head, Next, Rest...>& s) {
  return prepended(transformed<To>(in, s.head), transformed<To>(Head::output(in), s.tail));
}
template <class To, class In, class Layer, int N>
constexpr auto transformed(In in, const Repeat<Layer, N>& r) {
  using Result = decltype(transformed<To>(in, r.layer));
  return Repeat<Result, N>{transformed<To>(in, r.layer), r.count};
}
template <class To, class In, class Prev, class New, class Adapter>
constexpr auto transformed(In in, const DropIn<Prev, New, Adapter>& d) {
  const auto added = transformed<To>(Prev::output(in), d.added);
  return To::site(in, transformed<To>(in, d.prev), Site<std::remove_cvref_t<decltype(added)>, Adapter>{added});
}
template <class To, class In, class First, class New, int N>
constexpr auto transformed(In in, const DropInStack<First, New, N>& d) {
  return To::stack(transformed<To>(in, d.first), transformed<To>(First::output(in), d.added), d.count);
}

template <class To, class In, class... Branches>
constexpr auto transformed(In in, const Add<Branches...>& a) {
  return std::apply([&](const auto&... b) { return Add{transformed<To>(in, b)...}; }, a.branches);
}
template <class To, class In, class... Branches>
constexpr auto transformed(In in, const Concat<Branches...>& c) {
  return std::apply([&](const auto&... b) { return Concat{transformed<To>(in, b)...}; }, c.branches);
}
template <class To, class In, class Layer>
constexpr auto transformed(In in, const Frozen<Layer>& f) {
  return Frozen{transformed<To>(in, f.layer)};
}

/// A network of the transformed layers with the weights, in order, that `keep` chooses.
template <class To, class Spec, class Input, class Backend, class T, class Keep>
auto transformed_network(const Network<Spec, Input, Backend, T>& net, Keep keep) {
  auto spec = transformed<To>(Input{}, net.spec());
  Network<decltype(spec), Input, Backend, T> result(spec, Network<decltype(spec), Input, Backend, T>::no_fill);
  auto to = result.architecture().tensors.begin();
  for (const TensorInfo& t : net.architecture().tensors)
    if (keep(t)) result.write(*to++, net.read(t));
  return result;
}

}  // namespace detail

/// The types: DropIn<Prev, New> becomes Prev (and its adapter) in Shallow, Sequential<Prev, New> in Plain;
/// DropInStack<First, New, N> becomes First, or Sequential<First, Repeat<New, N>>.
template <class Spec, class Input>
using Shallow = decltype(detail::transformed<detail::ToShallow>(Input{}, std::declval<const Spec&>()));
template <class Spec, class Input>
using Plain = decltype(detail::transformed<detail::ToPlain>(Input{}, std::declval<const Spec&>()));

/// The network that `net` is where all sites are at p = 0, with its weights.
template <class Spec, class Input, class Backend, class T>
auto shallow(const Network<Spec, Input, Backend, T>& net) {
  return detail::transformed_network<detail::ToShallow>(net, [](const TensorInfo& t) { return t.site < 0; });
}
/// The network that `net` is where all sites are at p = 1, with its weights.
template <class Spec, class Input, class Backend, class T>
auto plain(const Network<Spec, Input, Backend, T>& net) {
  return detail::transformed_network<detail::ToPlain>(net, [](const TensorInfo&) { return true; });
}
/// `plain(net)` for a network that has grown: it computes the same outputs. Throws Error if a site is not at p = 1.
template <class Spec, class Input, class Backend, class T>
auto collapsed(const Network<Spec, Input, Backend, T>& net) {
  for (std::size_t k = 0; k < net.shares().size(); ++k)
    if (!net.shares()[k].complete())
      throw Error("dropnet: collapsed: site " + std::to_string(k) + " is at p = " + std::to_string(net.shares()[k].p) +
                  "; train on until all sites are at p = 1");
  return plain(net);
}

}  // namespace dropnet
