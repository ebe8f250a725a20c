#pragma once

// Needs nlohmann-json.

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>

#include "dropnet/checkpoint.hpp"
#include "dropnet/train/observer.hpp"

namespace dropnet {

/// Saves a trainer each time that fit says so: FOLDER/iter_000200 and so on, with FOLDER/latest and FOLDER/best as links. Best is the
/// one with the highest accuracy (or lowest loss, where images have targets) among those whose iteration was also tested.
class Snapshots : public Observer {
 public:
  /// Keeps the last `keep` and the best; 0: all. A trainer that was resumed goes on with the folder's own and the extras that
  /// resume gave. Throws Error if the folder holds another run's, or has no room for one and a file of weights.
  template <class Backend, class T>
  Snapshots(const AnyTrainer<Backend, T>& trainer, std::string folder, int keep, CheckpointExtras extras = {})
      : save_([&trainer](const std::string& path, const CheckpointExtras& e) { save(trainer, path, e); }),
        folder_(std::move(folder)),
        keep_(keep),
        extras_(std::move(extras)) {
    look_at_folder(trainer.iteration(), 3 * trainer.network().extent().weights * sizeof(T));
  }

  void record(const Record& r) override {
    if (r.phase != Record::test) return;
    tested_ = r.iteration;
    score_ = std::isnan(r.accuracy) ? -r.loss : r.accuracy;
  }
  /// Throws Error if it cannot be written; the older ones then stay.
  void snapshot(std::int64_t iteration) override {
    const std::string name = name_of(iteration);
    const bool best = tested_ == iteration && !(best_ >= 0 && score_ <= best_score_);
    auto extras = extras_;
    if (best) {
      char text[32];
      std::snprintf(text, sizeof text, "%.17g", score_);
      extras.notes["best_iteration"] = std::to_string(iteration);
      extras.notes["best_score"] = text;
    }
    save_(folder_ + "/" + name, extras);
    extras_ = std::move(extras);
    detail::link_to(folder_ + "/latest", name);
    if (best) {
      best_ = iteration;
      best_score_ = score_;
      detail::link_to(folder_ + "/best", name);
    }
    latest_ = folder_ + "/" + name;
    kept_.insert(iteration);
    prune();
  }
  /// The last one written; empty if there is none.
  const std::string& latest() const { return latest_; }

 private:
  /// What a folder has at the start; room for one more checkpoint and a file of weights.
  void look_at_folder(std::int64_t iteration, std::size_t room) {
    namespace fs = std::filesystem;
    if (keep_ < 0) throw Error("dropnet: Snapshots: keep is " + std::to_string(keep_) + "; it must be at least 0");
    std::error_code failure;
    std::int64_t newest = -1;
    for (const auto& entry : fs::directory_iterator(folder_, failure))
      if (const auto at = iteration_of(entry.path().filename().string()); at >= 0) {
        newest = std::max(newest, at);
        if (at <= iteration) kept_.insert(at);
      }
    // One that was killed between its first checkpoint and the link has no latest yet.
    if (iteration == 0 && newest >= 0)
      throw Error(folder_ + ": holds " + name_of(newest) + " of another run; go on with that one (resume from " + folder_ + "/" +
                  (fs::exists(folder_ + "/latest") ? "latest" : name_of(newest)) + "), or name another folder");
    if (failure) throw Error(folder_ + ": cannot be read: " + failure.message());
    if (const auto best = extras_.notes.find("best_iteration"); best != extras_.notes.end()) {
      best_ = std::atoll(best->second.c_str());
      best_score_ = std::atof(extras_.notes["best_score"].c_str());
    }
    // What a run that was killed behind its last checkpoint had still to do.
    if (kept_.contains(best_)) detail::link_to(folder_ + "/best", name_of(best_));
    prune();
    detail::probe_room(folder_, room);
  }
  static std::string name_of(std::int64_t iteration) {
    char text[40];
    std::snprintf(text, sizeof text, "iter_%06lld", static_cast<long long>(iteration));
    return text;
  }
  static std::int64_t iteration_of(const std::string& name) {
    std::int64_t at = -1;
    if (!name.starts_with("iter_")) return -1;
    const auto [end, error] = std::from_chars(name.data() + 5, name.data() + name.size(), at);
    return error == std::errc() && end == name.data() + name.size() ? at : -1;
  }
  void prune() {
    namespace fs = std::filesystem;
    if (keep_ == 0) return;
    std::error_code failure;
    for (std::size_t older = kept_.size() - std::min(kept_.size(), std::size_t(keep_)); older > 0; --older) {
      const auto at = *std::next(kept_.begin(), std::ptrdiff_t(older - 1));
      if (at == best_) continue;
      // A name that nobody takes for a checkpoint while it goes.
      const std::string path = folder_ + "/" + name_of(at);
      fs::rename(path, path + ".part", failure);
      fs::remove_all(path + ".part", failure);
      kept_.erase(at);
    }
  }

  std::function<void(const std::string&, const CheckpointExtras&)> save_;
  std::string folder_;
  int keep_;
  CheckpointExtras extras_;
  std::set<std::int64_t> kept_;
  std::int64_t best_ = -1, tested_ = -1;
  double best_score_ = 0, score_ = 0;
  std::string latest_;
};

}  // namespace dropnet
