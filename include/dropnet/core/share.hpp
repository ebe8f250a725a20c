#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "dropnet/core/random.hpp"

namespace dropnet {

/// Which units of a site come from New while 0 < p < 1.
enum class Mask {
  unit,       ///< Eq. 1: unit i of n, in [channel][row][column] order, is new from i >= q n on, for all samples alike
  channel,    ///< the same by whole channels: a prefix of them is left out
  bernoulli,  ///< Eq. 2: each unit of each sample with probability p, anew each iteration; tested by p v + q u
  blend,      ///< none is chosen: each unit is p v + q u, in training too
};

inline constexpr std::pair<Mask, const char*> mask_names[] = {
    {Mask::unit, "unit"}, {Mask::channel, "channel"}, {Mask::bernoulli, "bernoulli"}, {Mask::blend, "blend"}};
inline const char* mask_name(Mask mask) {
  for (const auto& [known, name] : mask_names)
    if (known == mask) return name;
  return "";
}
inline std::optional<Mask> mask_of(const std::string& name) {
  for (const auto& [mask, known] : mask_names)
    if (known == name) return mask;
  return {};
}

/// How far a site has grown: the share p of units that come from New. q = 1 - p is the paper's dropin_ratio.
struct Share {
  double p = 1;
  Mask mask = Mask::unit;
  bool closed() const { return p <= 0; }
  bool complete() const { return p >= 1; }
};

/// Eq. 1's count of units, or of channels, that are let in, floor(p n). p is a quotient of whole numbers: the factor
/// takes back what its rounding may have lost, so that p = k / n lets in exactly k.
inline std::size_t units_let_in(double p, std::size_t n) {
  return std::size_t(std::floor(p * double(n) * (1 + 0x1p-50)));
}

/// How a site mixes u = Prev(x) and v = New(u): y_i = r_i v_i + (1 - r_i) u_i.
/// A mask selects and never multiplies: what is not chosen may hold anything, NaN included.
struct Mix {
  enum Kind {
    prefix,     ///< r_i = i >= left_out, the same for each sample
    bernoulli,  ///< r_i = random.word(sample * n + i) < threshold
    blend,      ///< the expectation p v + q u
  };
  Kind kind = prefix;
  std::size_t left_out = 0;
  std::uint64_t threshold = 0;
  Random random;
  double p = 1;

  Mix(Share share, std::size_t units, std::size_t channels, bool training, Random stream)
      : kind(share.mask == Mask::unit || share.mask == Mask::channel ? prefix : share.mask == Mask::bernoulli && training ? bernoulli : blend),
        left_out(share.mask == Mask::channel ? (channels - units_let_in(share.p, channels)) * (units / channels) : units - units_let_in(share.p, units)),
        threshold(bernoulli_threshold(share.p)),
        random(stream),
        p(share.p) {}

  /// The first channel that holds a unit which may come from New.
  std::size_t first_channel(std::size_t units, std::size_t channels) const { return kind == prefix ? left_out / (units / channels) : 0; }
  bool is_new(int sample, std::size_t unit, std::size_t units) const {
    return kind == prefix ? unit >= left_out : random.word(std::uint64_t(sample) * units + unit) < threshold;
  }
};

}  // namespace dropnet
