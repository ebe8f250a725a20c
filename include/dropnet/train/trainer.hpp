#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/data/batches.hpp"
#include "dropnet/train/evaluate.hpp"
#include "dropnet/train/feed.hpp"
#include "dropnet/train/growth.hpp"
#include "dropnet/train/learning_rate.hpp"
#include "dropnet/train/norms.hpp"
#include "dropnet/train/observer.hpp"
#include "dropnet/train/sgd.hpp"
#include "dropnet/train/train_pass.hpp"

namespace dropnet {

struct FitOptions {
  int batch = 64;                  ///< images in a pass
  int iter_size = 1;               ///< passes whose gradients are added up for one step; all gradients' mean counts
  std::int64_t iterations = 0;     ///< how many to go on for
  const Dataset* test = nullptr;   ///< tested before iteration 1, every test_interval, and at the end
  std::int64_t test_interval = 0;  ///< 0: at the end only
  std::int64_t display = 0;        ///< a train record every so many iterations, and at the end; 0: none
  Augmentation augmentation{};     ///< of the training images
  int workers = 0;                 ///< threads that make batches ahead; 0: they are made when needed, by the backend, which holds all images
  std::vector<Observer*> observers{};
  std::int64_t norms_interval = 0;     ///< observers are told each layer's norms every so many iterations; 0: never
  std::int64_t snapshot_interval = 0;  ///< observers are told to save every so many iterations, and at the end; 0: only if stopped
  std::function<bool()> stop{};        ///< asked after each iteration; if true, observers are told to save and fit returns
};

/// Which batches a trainer's iterations have seen: with the iteration, the place in the data.
struct DataPlan {
  std::uint64_t images = 0;  ///< in the data set; 0: none was seen yet
  int batch = 0;
  int iter_size = 1;
  Augmentation augmentation{};
  friend bool operator==(const DataPlan&, const DataPlan&) = default;
};

/// All of a trainer but the weights and their momentum.
struct TrainerState {
  std::int64_t iteration = 0;
  Seed seed{};
  Sgd sgd{};
  LearningRate rate{};
  Growth growth{};
  DataPlan data{};
};

/// A network in training: solver, learning-rate policy, growth schedule and the one clock, iteration(). Whatever the network's layers
/// are: a Trainer<Net> knows its passes.
template <class Backend, class T>
class AnyTrainer {
 public:
  std::int64_t iteration() const { return iteration_; }
  double learning_rate() const { return rate_at(rate_, iteration_); }
  AnyNetwork<Backend, T>& network() { return net_; }
  const AnyNetwork<Backend, T>& network() const { return net_; }
  AnySolver<Backend, T>& solver() { return solver_; }
  const AnySolver<Backend, T>& solver() const { return solver_; }

  TrainerState state() const { return {iteration_, seed_, solver_.parameters(), rate_, growth_, data_}; }
  /// Goes on from another trainer's state; weights and solver().momentum() are the caller's to set. The next fit must then
  /// have the batches that the state was made with. Throws Error, and changes nothing, if the state makes no sense here.
  void restore(const TrainerState& state) {
    if (state.iteration < 0) throw Error("dropnet: Trainer: iteration " + std::to_string(state.iteration) + " is negative");
    check(state.rate);
    check(state.growth, net_.shares().size());
    solver_.set(state.sgd);
    rate_ = state.rate;
    growth_ = state.growth;
    seed_ = state.seed;
    data_ = state.data;
    goes_on_ = data_.images > 0;
    go_to(state.iteration);
  }

  /// Trains on. The backend is all CPU threads or the first GPU unless given. Throws Error if data and network do not
  /// fit, Diverged if a loss is not finite: the weights are then those of before that iteration.
  void fit(const Dataset& data, const FitOptions& options, Backend backend = Backend::standard()) {
    const auto require = [&](const Dataset& of, const char* where) { of.require(net_.architecture().input, volume(net_.architecture().output), where); };
    require(data, "fit");
    check_workers(options.workers, "fit");
    if (options.iter_size < 1) throw Error("dropnet: fit: iter_size is " + std::to_string(options.iter_size) + "; it must be at least 1");
    check(options.augmentation);
    const DataPlan plan{data.size(), options.batch, options.iter_size, options.augmentation};
    if (goes_on_) demand_same(plan);
    AnyWorkspace<Backend, T> ws(net_, options.batch, Purpose::train, std::move(backend));
    std::optional<Feed<Backend, T>> test_feed;
    if (options.test) {
      require(*options.test, "fit's test set");
      test_feed.emplace(ws, Batches::in_order(*options.test, options.batch), options.workers);
    }
    Feed<Backend, T> feed(ws, Batches(data, options.batch, seed_, options.augmentation), options.workers);
    const auto tell = [&](auto&& what) {
      for (Observer* o : options.observers) what(*o);
    };
    data_ = plan;
    goes_on_ = false;
    std::int64_t last = iteration_ + options.iterations;
    const auto every = [&](std::int64_t interval) { return iteration_ == last || (interval > 0 && iteration_ % interval == 0); };
    const auto began = Clock::now();
    tell([&](Observer& o) { o.begin(iteration_, last); });

    Interval since;
    const auto test = [&] {
      const double paused = seconds(began);
      const auto result = evaluate(net_, forward_, *test_feed, ws, 5);
      const double now = seconds(began);
      since.start += now - paused;
      tell([&](Observer& o) { o.record(test_record(result, double(result.images) / (now - paused), now)); });
    };
    if (options.test && iteration_ == 0) test();
    bool stopped = false;
    while (iteration_ < last) {
      Moment moment = now(options);
      const double p = mean_share(net_.shares());
      for (; moment.pass < options.iter_size; ++moment.pass) {
        const bool first = moment.pass == 0, last_pass = moment.pass + 1 == options.iter_size;
        ws.begin(net_, moment);
        feed.prepare(moment.time());
        ws.add_gradients = !first;
        if (last_pass && options.norms_interval > 0 && iteration_ % options.norms_interval == 0) {
          feed.load();
          detail::NormsProbe<Backend, T> probe(net_, ws.backend());
          queue_train_pass(ws, &probe);
          const auto norms = std::move(probe).with_weights(ws);
          tell([&](Observer& o) { o.norms(iteration_, norms); });
          solver_.queue_step(net_, ws);
          continue;
        }
        ws.backend().replay(2 * first + last_pass, net_.shares(), [&] {
          feed.load();
          queue_train_pass(ws);
          if (last_pass) solver_.queue_step(net_, ws);
        });
      }
      go_to(iteration_ + 1);
      tell([&](Observer& o) { o.step(iteration_, seconds(began)); });

      if (options.stop && options.stop()) {
        stopped = true;
        last = iteration_;
      }
      const bool show = options.display > 0 && every(options.display), look = options.test && !stopped && every(options.test_interval);
      const bool save = stopped || (options.snapshot_interval > 0 && every(options.snapshot_interval));
      if (show || look || save || iteration_ == last || !Backend::asynchronous) {
        const Tally tally = ws.take_tally();
        if (tally.diverged()) diverged(tally, feed, ws, options);
        since.tally += tally;
      }
      if (show) {
        const Record record = since.record(iteration_, moment.rate, p, seconds(began), feed.waited(), !data.has_targets());
        tell([&](Observer& o) { o.record(record); });
        since = {{}, seconds(began), feed.waited()};
      }
      if (look) test();
      if (save) {
        demand_finite_weights(ws);
        tell([&](Observer& o) { o.snapshot(iteration_); });
      }
    }
    tell([](Observer& o) { o.end(); });
  }

 protected:
  AnyTrainer(AnyNetwork<Backend, T>& net, QueuedPass<Backend, T> forward, QueuedPass<Backend, T> backward, Sgd sgd, LearningRate rate, Growth growth, Seed seed)
      : net_(net), forward_(forward), backward_(backward), solver_(net, sgd), rate_(std::move(rate)), growth_(std::move(growth)), seed_(seed) {
    check(rate_);
    check(growth_, net.shares().size());
    grow(net_.shares(), growth_, iteration_);
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

  Moment now(const FitOptions& options) const { return {std::uint64_t(iteration_), seed_, true, learning_rate(), options.iter_size}; }
  void queue_train_pass(AnyWorkspace<Backend, T>& ws, Probe<T>* probe = nullptr) const { detail::queue_train_pass(net_, forward_, backward_, ws, probe); }
  void go_to(std::int64_t iteration) {
    iteration_ = iteration;
    grow(net_.shares(), growth_, iteration_);
  }

  void demand_same(const DataPlan& plan) const {
    const auto differ = [](const char* what, auto before, auto here) {
      if (before != here)
        throw Error(std::string("dropnet: fit: ") + what + " is " + std::to_string(here) + " but was " + std::to_string(before) + " in the " +
                    "checkpoint that training goes on from; give it as it was, or begin anew from the weights");
    };
    differ("the number of training images", data_.images, plan.images);
    differ("batch", data_.batch, plan.batch);
    differ("iter_size", data_.iter_size, plan.iter_size);
    differ("augmentation.pad", data_.augmentation.pad, plan.augmentation.pad);
    differ("augmentation.mirror", int(data_.augmentation.mirror), int(plan.augmentation.mirror));
  }

  /// A finite loss may have had gradients that were not: such weights are not saved.
  void demand_finite_weights(AnyWorkspace<Backend, T>& ws) const {
    if (all_finite(ws.backend(), net_.weights().data(), net_.weights().size())) return;
    for (const TensorInfo& t : net_.architecture().tensors)
      if (!all_finite(ws.backend(), net_.weights().data() + t.offset, t.size))
        throw Diverged("iteration " + std::to_string(iteration_) + ": " + t.name + " is not finite any more; lower the learning rate, clip gradients, or grow more slowly");
  }

  /// What happened since the last train record; testing does not count as time.
  struct Interval {
    Tally tally;
    double start = 0, waited = 0;
    Record record(std::int64_t at, double rate, double p, double now, double waited_now, bool labelled) const {
      return {at, Record::train, tally.mean_loss(), labelled ? tally.accuracy() : no_accuracy, rate, p, double(tally.images) / (now - start), now, waited_now - waited};
    }
  };

  Record test_record(const Evaluation& result, double speed, double now) const {
    return {iteration_, Record::test, result.loss, result.accuracy, learning_rate(), mean_share(net_.shares()), speed, now};
  }

  /// Back to the iteration whose loss was not finite; the steps from there on have changed nothing.
  [[noreturn]] void diverged(const Tally& tally, Feed<Backend, T>& feed, AnyWorkspace<Backend, T>& ws, const FitOptions& options) {
    // The first bad slice, counted from the last time that the tally was taken, which was before an iteration.
    const int slices = ws.slices(net_), all = slices * options.iter_size;
    const std::int64_t taken = iteration_ - tally.batches / all;
    go_to(taken + tally.finite / all);
    Moment moment = now(options);
    moment.pass = int(tally.finite % all / slices);
    feed.prepare(moment.time());
    feed.load();
    const std::string layer = detail::first_non_finite(net_, forward_, ws, moment);
    throw Diverged("iteration " + std::to_string(iteration_) + ": the loss is " + (std::isnan(tally.loss) ? "not a number" : "infinite") +
                   "; the first value that is not finite comes from " + (layer.empty() ? "the loss" : layer) +
                   "; lower the learning rate, clip gradients, or grow more slowly");
  }

  AnyNetwork<Backend, T>& net_;
  QueuedPass<Backend, T> forward_, backward_;
  AnySolver<Backend, T> solver_;
  LearningRate rate_;
  Growth growth_;
  Seed seed_;
  std::int64_t iteration_ = 0;
  DataPlan data_;
  bool goes_on_ = false;  ///< whether the next fit must have data_'s batches
};

/// The trainer of a network.
template <class Net>
class Trainer : public AnyTrainer<typename Net::backend, typename Net::scalar> {
  using Base = AnyTrainer<typename Net::backend, typename Net::scalar>;

 public:
  /// Throws Error if a schedule or a solver's number makes no sense.
  Trainer(Net& net, Sgd sgd, LearningRate rate, Growth growth = Grown{}, Seed seed = {})
      : Base(net, Net::forward_pass(), Net::backward_pass(), sgd, std::move(rate), std::move(growth), seed) {}

  Net& network() { return static_cast<Net&>(Base::network()); }
  const Net& network() const { return static_cast<const Net&>(Base::network()); }
};

}  // namespace dropnet
