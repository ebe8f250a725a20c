#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "dropnet/network/architecture.hpp"
#include "dropnet/train/growth.hpp"

namespace dropnet {

/// Of the multiply-adds of a network that stands complete, the share that is done while its sites have grown so far: layers behind
/// a closed site do not run, and with the masks unit and channel the one that makes New's output computes only the channels of
/// which anything is let in (on the CPU; a GPU computes all of an open site).
inline double work(const Architecture& architecture, std::span<const Share> shares) {
  double done = 0, all = 0;
  for (const LayerInfo& l : architecture.layers) {
    double part = 1;
    for (int site = l.site; site >= 0; site = architecture.sites[std::size_t(site)].parent)
      if (shares[std::size_t(site)].closed()) part = 0;
    if (part > 0 && l.partial && !shares[std::size_t(l.site)].complete()) {
      const SiteInfo& s = architecture.sites[std::size_t(l.site)];
      part = double(s.channels - Mix(shares[std::size_t(l.site)], s.units, s.channels, true, Random{}).first_channel(s.units, s.channels)) / double(s.channels);
    }
    done += part * double(l.multiply_adds);
    all += double(l.multiply_adds);
  }
  return all > 0 ? done / all : 1;
}

/// Its mean over the iterations from .. to of a schedule.
inline double mean_work(const Architecture& architecture, const Growth& growth, std::int64_t from, std::int64_t to) {
  std::vector<Share> shares(architecture.sites.size());
  double sum = 0;
  for (std::int64_t t = from; t < to; ++t) {
    grow(shares, growth, t);
    sum += work(architecture, shares);
  }
  return to > from ? sum / double(to - from) : 1;
}

}  // namespace dropnet
