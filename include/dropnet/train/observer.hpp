#pragma once

#include <cstdint>
#include <vector>

namespace dropnet {

struct LayerNorms;

/// A line of metrics. In phase train, means over the iterations since the last one; in phase test, over the test set.
struct Record {
  enum Phase { train, test };
  std::int64_t iteration = 0;  ///< finished iterations
  Phase phase = train;
  double loss = 0;
  double accuracy = 0;           ///< NaN where images have targets
  double learning_rate = 0;
  double p = 1;                  ///< mean share over the sites
  double images_per_second = 0;
  double seconds = 0;            ///< since fit began
  double waited = 0;             ///< of the seconds since the last train record, those in which training waited for batches
};

/// Told of what happens in Trainer::fit.
class Observer {
 public:
  virtual ~Observer() = default;
  /// fit is about to go from iteration `from` to iteration `to`.
  virtual void begin(std::int64_t /*from*/, std::int64_t /*to*/) {}
  /// An iteration is finished, or, on an asynchronous backend, queued. Called each time: be quick.
  virtual void step(std::int64_t /*iteration*/, double /*seconds*/) {}
  virtual void record(const Record&) {}
  /// What the layers hold in the iteration behind so many finished ones; FitOptions::norms_interval asks for it.
  virtual void norms(std::int64_t /*iteration*/, const std::vector<LayerNorms>&) {}
  /// The time to save: weights and solver are those of this finished iteration, and finite. Behind its records.
  virtual void snapshot(std::int64_t /*iteration*/) {}
  virtual void end() {}
};

}  // namespace dropnet
