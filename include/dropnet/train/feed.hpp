#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "dropnet/core/error.hpp"
#include "dropnet/data/batches.hpp"
#include "dropnet/data/loader.hpp"
#include "dropnet/data/staging.hpp"
#include "dropnet/network/workspace.hpp"

namespace dropnet {

/// Throws Error if so many workers make no sense.
inline void check_workers(int workers, const char* where) {
  if (workers < 0 || workers > 1024)
    throw Error(std::string("dropnet: ") + where + ": workers is " + std::to_string(workers) + "; it must be 0 to 1,024");
}

/// Brings batches to a workspace: made by its backend when they are needed, or ahead of that by a Loader's workers.
template <class Backend, class T>
class Feed {
 public:
  /// With 0 workers the data set is resident on the backend.
  Feed(AnyWorkspace<Backend, T>& ws, const Batches& batches, int workers)
      : ws_(ws), batches_(batches), workers_(workers), images_(resident(ws.backend(), workers ? none_ : batches.data())) {
    if (workers) staging_.emplace(ws.backend(), batches);
  }
  ~Feed() { stop(); }

  /// What comes before a step is recorded or replayed: says which batch it is, and brings it if workers made it.
  void prepare(std::uint64_t t) {
    if (!workers_) return ws_.pick(batches_.at(t));
    if (!loader_ || loader_->at() != t) restart(t);
    staging_->let_go();
    staging_->bring(loader_->next(), ws_);
  }
  /// The step's first part.
  void load() {
    if (workers_) return;
    const auto began = Clock::now();
    ws_.load_picked(images_);
    if (!asynchronous) waited_ += std::chrono::duration<double>(Clock::now() - began).count();
  }
  const Batches& batches() const { return batches_; }
  /// Seconds that training has waited for its batches.
  double waited() const { return waited_ + (loader_ ? loader_->waited() : 0); }

 private:
  using Clock = std::chrono::steady_clock;
  using Stage = Staging<Backend, T>;
  static constexpr bool asynchronous = Backend::asynchronous;

  void restart(std::uint64_t t) {
    waited_ = waited();
    stop();
    loader_.emplace(batches_, t, workers_, workers_ + 1, [&] { return staging_->batch(); });
  }
  void stop() {
    if (staging_) staging_->let_go();
    loader_.reset();
  }

  AnyWorkspace<Backend, T>& ws_;
  Batches batches_;
  int workers_;
  Dataset none_;
  decltype(resident(std::declval<Backend&>(), std::declval<const Dataset&>())) images_;
  std::optional<Stage> staging_;
  std::optional<Loader<typename Stage::Batch>> loader_;
  double waited_ = 0;
};

}  // namespace dropnet
