#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/share.hpp"

namespace dropnet {

// Growth schedules: how far site k has grown after t finished iterations. Pure functions; nothing counts along.

/// (t - start) / length within [0, 1]; a length of 0 means 1 from `start` on.
inline double ramp(std::int64_t t, std::int64_t start, std::int64_t length) {
  if (t < start) return 0;
  if (t - start >= length) return 1;
  return double(t - start) / double(length);
}

/// No growth: all layers stand from the first iteration on.
struct Grown {
  Share at(int, std::int64_t) const { return {}; }
};
/// All sites grow at once: p = (t - start) / length. Section 3's gradual mode; `length` is the paper's dropin_length.
struct Gradual {
  std::int64_t start = 0;
  std::int64_t length = 0;
  Mask mask = Mask::unit;
  Share at(int, std::int64_t t) const { return {ramp(t, start, length), mask}; }
};
/// Site k starts `gap` iterations after site k - 1: section 6's asynchronous DropIn.
struct Staggered {
  std::int64_t start = 0;
  std::int64_t length = 0;
  std::int64_t gap = 0;
  Mask mask = Mask::unit;
  Share at(int site, std::int64_t t) const { return {ramp(t, start + site * gap, length), mask}; }
};
/// A constant share, drawn anew for each unit, sample and iteration: Eq. 2.
struct Regularizing {
  double p = 0.5;
  Share at(int, std::int64_t) const { return {p, Mask::bernoulli}; }
};

/// Each site by its own start and length (section 6); sites that are not named stand from the first iteration on.
struct BySite {
  struct Site {
    int site = 0;
    std::int64_t start = 0;
    std::int64_t length = 0;
  };
  std::vector<Site> sites{};
  Mask mask = Mask::unit;
  Share at(int site, std::int64_t t) const {
    for (const Site& s : sites)
      if (s.site == site) return {ramp(t, s.start, s.length), mask};
    return {};
  }
};

using Growth = std::variant<Grown, Gradual, Staggered, Regularizing, BySite>;

/// Sets each site's share to the schedule's after t finished iterations.
inline void grow(std::span<Share> shares, const Growth& growth, std::int64_t t) {
  for (std::size_t k = 0; k < shares.size(); ++k)
    shares[k] = std::visit([&](const auto& schedule) { return schedule.at(int(k), t); }, growth);
}

/// The mean share over all sites; 1 where there is none.
inline double mean_share(std::span<const Share> shares) {
  double sum = 0;
  for (const Share& s : shares) sum += s.p;
  return shares.empty() ? 1 : sum / double(shares.size());
}

/// Throws Error if a schedule makes no sense, or names a site that a network of so many does not have.
inline void check(const Growth& growth, std::size_t sites) {
  const auto at_least_0 = [](const char* name, std::int64_t value) {
    if (value < 0)
      throw Error(std::string("dropnet: growth: ") + name + " is " + std::to_string(value) + "; it must be at least 0 iterations");
  };
  if (const auto* g = std::get_if<Gradual>(&growth)) {
    at_least_0("start", g->start);
    at_least_0("length", g->length);
  } else if (const auto* s = std::get_if<Staggered>(&growth)) {
    at_least_0("start", s->start);
    at_least_0("length", s->length);
    at_least_0("gap", s->gap);
  } else if (const auto* b = std::get_if<BySite>(&growth)) {
    for (const BySite::Site& one : b->sites) {
      at_least_0("start", one.start);
      at_least_0("length", one.length);
      if (one.site < 0 || std::size_t(one.site) >= sites)
        throw Error("dropnet: growth: there is no site " + std::to_string(one.site) + "; the network has " + std::to_string(sites) +
                    (sites ? ", counted from 0" : ""));
    }
  } else if (const auto* r = std::get_if<Regularizing>(&growth)) {
    if (!(r->p >= 0 && r->p <= 1))
      throw Error("dropnet: growth: p is " + std::to_string(r->p) + "; it must lie in [0, 1]");
  }
}

}  // namespace dropnet
