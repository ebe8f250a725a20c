#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

#include "dropnet/network/architecture.hpp"

namespace dropnet {

/// 16 hexadecimal digits for a network's layers (names, kinds, shapes, sites) and tensors (names, shapes); numbers that change
/// no shape, as a dropout's ratio, do not count. FNV-1a with 64 bits.
inline std::string fingerprint(const Architecture& architecture) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  const auto add = [&](std::string_view text) {
    for (const char c : text) hash = (hash ^ std::uint8_t(c)) * 0x100000001b3u;
    hash = (hash ^ 0xff) * 0x100000001b3u;
  };
  const auto number = [&](auto n) { add(std::to_string(n)); };
  for (const LayerInfo& l : architecture.layers) {
    add(l.name);
    add(l.kind);
    for (const auto* shape : {&l.input, &l.output})
      for (int n : *shape) number(n);
    number(l.site);
  }
  for (const TensorInfo& t : architecture.tensors) {
    add(t.name);
    for (int n : t.shape) number(n);
    number(t.site);
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace dropnet
