#include <cmath>

#include "launch.hpp"

namespace dropnet::kernels {

namespace {

constexpr std::uint32_t lane = 4;      ///< values that one thread updates
constexpr std::uint32_t blocks = 128;  ///< that add up the squares of a piece

/// Up to so many weight tensors, handed to a kernel by value and gone through as if they lay end to end.
struct Piece {
  static constexpr int most = 80;
  int count = 0;
  std::uint32_t end[most];  ///< of the tensors so far, in groups of `lane` values
  std::uint32_t offset[most], size[most];
  float rate[most], decay[most], follow[most];

  std::uint32_t groups() const { return count ? end[count - 1] : 0; }
  struct Place {
    int tensor;
    std::uint32_t begin, stop;  ///< in the arena
  };
  DROPNET_DEVICE Place find(std::uint32_t group) const {
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (group < end[middle])
        high = middle;
      else
        low = middle + 1;
    }
    const std::uint32_t from = lane * (group - (low ? end[low - 1] : 0));
    return {low, offset[low] + from, offset[low] + (from + lane < size[low] ? from + lane : size[low])};
  }
};

template <class Work>
void each_piece(const SgdRange* ranges, std::size_t count, Work work) {
  for (std::size_t from = 0, number = 0; from < count; from += Piece::most, ++number) {
    Piece piece;
    for (std::size_t k = from; k < std::min(count, from + Piece::most); ++k) {
      const SgdRange& r = ranges[k];
      const int i = piece.count;
      piece.end[i] = piece.groups() + std::uint32_t(ceil_div(r.size, lane));
      piece.offset[i] = index_range(r.offset + r.size) - std::uint32_t(r.size);
      piece.size[i] = std::uint32_t(r.size);
      piece.rate[i] = float(r.rate);
      piece.decay[i] = float(r.decay);
      piece.follow[i] = float(r.follow);
      ++piece.count;
    }
    work(number, piece);
  }
}

struct Squares {
  using Sum = double;
  Piece piece;
  std::uint32_t groups;
  const float* g;
  double* sums;
  DROPNET_DEVICE double part(std::uint32_t block, unsigned thread) const {
    double sum = 0;
    for (std::uint64_t group = std::uint64_t(block) * threads_each + thread; group < groups; group += std::uint64_t(blocks) * threads_each) {
      const auto place = piece.find(std::uint32_t(group));
      if (piece.follow[place.tensor] > 0) continue;
      for (std::uint32_t i = place.begin; i < place.stop; ++i) sum += double(g[i]) * double(g[i]);
    }
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t block, double sum) const { sums[block] = sum; }
};

struct Total {
  using Sum = double;
  const double* sums;
  std::uint32_t count;
  double* to;
  DROPNET_DEVICE double part(std::uint32_t, unsigned thread) const {
    double sum = 0;
    for (std::uint32_t i = thread; i < count; i += threads_each) sum += sums[i];
    return sum;
  }
  DROPNET_DEVICE void finish(std::uint32_t, double sum) const { *to = sum; }
};

struct Update {
  Piece piece;
  float momentum, decay;
  double clip;
  bool nesterov;
  int passes;
  const Clock* clock;
  float* w;
  const float* g;
  float* v;
  const Tally* tally;
  const double* squares;
  DROPNET_DEVICE void operator()(std::uint32_t group) const {
    if (tally->diverged()) return;
    const auto place = piece.find(group);
    const float follow = piece.follow[place.tensor];
    if (follow > 0) {
      for (std::uint32_t i = place.begin; i < place.stop; ++i) w[i] += follow * (g[i] / float(passes) - w[i]);
      return;
    }
    const float rate = float(clock->rate) * piece.rate[place.tensor];
    float scale = 1 / float(passes);
    if (clip > 0) {
      const double norm = std::sqrt(*squares);
      if (norm > clip) scale = float(clip / norm / passes);
    }
    const float gradient = rate * scale, pull = rate * decay * piece.decay[place.tensor];
    const auto step = [&](float& weight, float slope, float& speed) {
      const float before = speed;
      speed = momentum * speed + gradient * slope + pull * weight;
      weight -= nesterov ? (1 + momentum) * speed - momentum * before : speed;
    };
    if (place.stop - place.begin == lane) {  // tensors begin at multiples of 64 bytes
      alignas(16) float weights[lane], slopes[lane], speeds[lane];
      read_4(w + place.begin, weights);
      read_4(g + place.begin, slopes);
      read_4(v + place.begin, speeds);
      DROPNET_UNROLL
      for (std::uint32_t i = 0; i < lane; ++i) step(weights[i], slopes[i], speeds[i]);
      write_4(weights, w + place.begin);
      write_4(speeds, v + place.begin);
    } else {
      for (std::uint32_t i = place.begin; i < place.stop; ++i) step(w[i], g[i], v[i]);
    }
  }
};

}  // namespace

std::size_t sgd_sums(std::size_t count) { return 1 + blocks * (ceil_div(count, Piece::most)); }

void sgd_update(Stream s, const SgdStep& step, const SgdRange* ranges, std::size_t count, const Clock* clock, float* w, const float* g, float* v,
                const Tally* tally, double* squares) {
  if (step.clip > 0) {
    each_piece(ranges, count, [&](std::size_t number, const Piece& piece) {
      sums(s, blocks, Squares{piece, piece.groups(), g, squares + 1 + number * blocks});
    });
    sums(s, 1, Total{squares + 1, std::uint32_t(sgd_sums(count) - 1), squares});
  }
  each_piece(ranges, count, [&](std::size_t, const Piece& piece) {
    each(s, piece.groups(), Update{piece, float(step.momentum), float(step.decay), step.clip, step.nesterov, step.passes, clock, w, g, v, tally, squares});
  });
}

}  // namespace dropnet::kernels
