#include "dropnet/core/share.hpp"
#include "random.hpp"

namespace dropnet::kernels {

namespace {

// By four units at a time, whose random words come together.

/// f(i) for four values in a row, of which the last ones may be missing.
template <class F>
DROPNET_DEVICE void four_units(std::uint32_t four, std::uint32_t size, const F& f) {
  for (std::uint32_t i = 4 * four; i < 4 * four + 4 && i < size; ++i) f(i);
}

struct PrefixForward {
  Sites at;
  const float* u;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t four) const {
    const std::uint32_t left_out = at.state->left_out, size = at.samples * at.units, first = 4 * four % at.units;
    if (first >= left_out && first + 4 <= at.units) return;
    if (first + 4 <= left_out) return copy_4(u + 4 * four, y + 4 * four);
    four_units(four, size, [&](std::uint32_t i) {
      if (i % at.units < left_out) y[i] = u[i];
    });
  }
};
struct PrefixBackward {
  Sites at;
  float* du;
  bool add;
  float* dy;
  DROPNET_DEVICE void operator()(std::uint32_t four) const {
    const std::uint32_t left_out = at.state->left_out, size = at.samples * at.units, first = 4 * four % at.units;
    if (first >= left_out && first + 4 <= at.units) {  // all new: u's part is none
      if (du && !add) fill_4(du + 4 * four);
    } else if (first + 4 <= left_out && !(du && add)) {
      if (du) copy_4(dy + 4 * four, du + 4 * four);
      fill_4(dy + 4 * four);
    } else {
      four_units(four, size, [&](std::uint32_t i) {
        const bool is_new = i % at.units >= left_out;
        const float d = is_new ? 0 : dy[i];
        if (!is_new) dy[i] = 0;
        if (du) du[i] = add ? du[i] + d : d;
      });
    }
  }
};

struct BernoulliForward {
  Sites at;
  const float* u;
  float* y;
  struct Visit {
    const BernoulliForward& b;
    std::uint64_t threshold;
    DROPNET_DEVICE void operator()(std::uint32_t i, std::uint32_t word) const {
      if (word >= threshold) b.y[i] = b.u[i];
    }
  };
  DROPNET_DEVICE void operator()(std::uint32_t block) const {
    four_words(at.random, at.clock, block, at.samples * at.units, Visit{*this, at.state->threshold});
  }
};
struct BernoulliBackward {
  Sites at;
  float* du;
  bool add;
  float* dy;
  struct Visit {
    const BernoulliBackward& b;
    std::uint64_t threshold;
    DROPNET_DEVICE void operator()(std::uint32_t i, std::uint32_t word) const {
      const bool is_new = word < threshold;
      const float d = is_new ? 0 : b.dy[i];
      if (!is_new) b.dy[i] = 0;
      if (b.du) b.du[i] = b.add ? b.du[i] + d : d;
    }
  };
  DROPNET_DEVICE void operator()(std::uint32_t block) const {
    four_words(at.random, at.clock, block, at.samples * at.units, Visit{*this, at.state->threshold});
  }
};

struct BlendForward {
  Sites at;
  const float* u;
  float* y;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const float p = at.state->p;
    y[i] = p * y[i] + (1 - p) * u[i];
  }
};
struct BlendBackward {
  Sites at;
  float* du;
  bool add;
  float* dy;
  DROPNET_DEVICE void operator()(std::uint32_t i) const {
    const float p = at.state->p, d = (1 - p) * dy[i];
    if (du) du[i] = add ? du[i] + d : d;
    dy[i] *= p;
  }
};

}  // namespace

void dropin_forward(Stream s, const Sites& at, const float* u, float* y) {
  const std::size_t size = index_range(std::size_t(at.samples) * at.units);
  switch (at.kind) {
    case Mix::prefix: return each(s, fours(size), PrefixForward{at, u, y});
    case Mix::bernoulli: return each(s, fours(size), BernoulliForward{at, u, y});
    case Mix::blend: return each(s, size, BlendForward{at, u, y});
  }
}

void dropin_backward(Stream s, const Sites& at, float* du, bool add, float* dy) {
  const std::size_t size = index_range(std::size_t(at.samples) * at.units);
  switch (at.kind) {
    case Mix::prefix: return each(s, fours(size), PrefixBackward{at, du, add, dy});
    case Mix::bernoulli: return each(s, fours(size), BernoulliBackward{at, du, add, dy});
    case Mix::blend: return each(s, size, BlendBackward{at, du, add, dy});
  }
}

}  // namespace dropnet::kernels
