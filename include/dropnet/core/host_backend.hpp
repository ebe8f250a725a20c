#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

#include "dropnet/core/buffer.hpp"
#include "dropnet/core/share.hpp"

namespace dropnet {

/// What a backend is beside its ops, for those that are done with an op when it returns.
/// Backends that queue their work are `asynchronous`: `wait` ends when all of it is done.
struct HostBackend {
  static constexpr bool asynchronous = false;
  template <class T>
  using Buffer = HostBuffer<T>;
  template <class T>
  static constexpr bool computes = std::is_floating_point_v<T>;

  /// Memory in the order of this backend's work: an upload comes after what was queued before it.
  template <class T>
  Buffer<T> buffer(std::size_t size) { return Buffer<T>(size); }
  void wait() {}
  /// Which layer's ops are to come.
  void enter(int /*layer*/) {}
  /// Does `work`, the same ops each time that `kind` is the same and `shares` are open to the same degree: a backend may
  /// record and replay it.
  template <class Work>
  void replay(int /*kind*/, std::span<const Share> /*shares*/, Work&& work) { std::forward<Work>(work)(); }
};

}  // namespace dropnet
