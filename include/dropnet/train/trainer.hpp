#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/data/batches.hpp"
#include "dropnet/train/evaluate.hpp"
#include "dropnet/train/growth.hpp"
#include "dropnet/train/learning_rate.hpp"
#include "dropnet/train/observer.hpp"
#include "dropnet/train/sgd.hpp"

namespace dropnet {

struct FitOptions {
  int batch = 64;
  std::int64_t iterations = 0;     ///< how many to go on for
  const Dataset* test = nullptr;   ///< tested before the first iteration, every test_interval, and at the end
  std::int64_t test_interval = 0;  ///< 0: at the end only
  std::int64_t display = 0;        ///< a train record every so many iterations; 0: none
  int threads = 0;                 ///< 0: all that the machine has
  std::vector<Observer*> observers{};
};

/// Forward, loss, backward for the batch that the workspace holds; the mean loss.
template <class Net>
double train_pass(const Net& net, typename Net::workspace& ws, std::int64_t iteration, Seed seed) {
  net.forward(ws, true, std::uint64_t(iteration), seed);
  softmax_loss(ws.backend(), ws.output(), ws.labels(), 1, ws.results().data());
  double loss;
  ws.results().download(0, {&loss, 1});
  if (std::isfinite(loss)) net.backward(ws, true, std::uint64_t(iteration), seed);
  return loss;
}

/// The name of the first layer that writes something that is not finite in a pass forward; empty if none does.
template <class Net>
std::string first_non_finite(const Net& net, typename Net::workspace& ws, bool training, std::int64_t iteration, Seed seed) {
  using T = typename Net::scalar;
  struct Look : Probe<T> {
    int layer = -1;
    void after(int at, Direction, const T* values, std::size_t count) override {
      for (std::size_t i = 0; i < count && layer < 0; ++i)
        if (!std::isfinite(values[i])) layer = at;
    }
  } look;
  net.forward(ws, training, std::uint64_t(iteration), seed, &look);
  return look.layer < 0 ? "" : net.architecture().layers[std::size_t(look.layer)].name;
}

/// A network in training: solver, learning-rate policy, growth schedule and the one clock, iteration().
template <class Net>
class Trainer {
 public:
  /// Throws Error if a schedule or a solver's number makes no sense.
  Trainer(Net& net, Sgd sgd, LearningRate rate, Growth growth = Grown{}, Seed seed = {})
      : net_(net), solver_(net, sgd), rate_(std::move(rate)), growth_(growth), seed_(seed) {
    check(rate_);
    check(growth_);
    grow(net_.shares(), growth_, iteration_);
  }

  std::int64_t iteration() const { return iteration_; }
  double learning_rate() const { return rate_at(rate_, iteration_); }
  Net& network() { return net_; }

  /// Trains on. Throws Error if data and network do not fit, Diverged if the loss is not finite; the weights are
  /// then those of before that iteration.
  void fit(const Dataset& data, const FitOptions& options) {
    data.require(typename Net::input{}, Net::output::size, "fit");
    typename Net::workspace ws(net_, options.batch, Purpose::train, typename Net::backend(options.threads));
    Batches batches(data, options.batch, seed_);
    const auto tell = [&](auto&& what) {
      for (Observer* o : options.observers) what(*o);
    };
    const std::int64_t last = iteration_ + options.iterations;
    const auto began = Clock::now();
    tell([&](Observer& o) { o.begin(iteration_, last); });

    Interval since;
    const auto test = [&] {
      const double paused = seconds(began);
      const auto result = evaluate(net_, *options.test, ws);
      const double now = seconds(began);
      since.start += now - paused;
      tell([&](Observer& o) { o.record(test_record(result, double(options.test->size()) / (now - paused), now)); });
    };
    if (options.test) test();
    while (iteration_ < last) {
      batches.load(std::uint64_t(iteration_), ws);
      const double loss = train_pass(net_, ws, iteration_, seed_);
      if (!std::isfinite(loss)) diverged(loss, ws);
      double correct;
      ws.results().download(1, {&correct, 1});
      solver_.step(net_, ws, learning_rate());
      const double rate = learning_rate(), p = mean_share(net_.shares());
      ++iteration_;
      grow(net_.shares(), growth_, iteration_);

      since.add(loss, correct / options.batch);
      tell([&](Observer& o) { o.step(iteration_, loss, seconds(began)); });
      if (options.display > 0 && (iteration_ % options.display == 0 || iteration_ == last)) {
        const Record record = since.record(iteration_, rate, p, options.batch, seconds(began));
        tell([&](Observer& o) { o.record(record); });
        since = {.start = seconds(began)};
      }
      if (options.test && (iteration_ == last || (options.test_interval > 0 && iteration_ % options.test_interval == 0))) test();
    }
    tell([](Observer& o) { o.end(); });
  }

 private:
  using Clock = std::chrono::steady_clock;
  static double seconds(Clock::time_point since) { return std::chrono::duration<double>(Clock::now() - since).count(); }

  /// What happened since the last train record; testing does not count as time.
  struct Interval {
    double loss = 0, accuracy = 0, start = 0;
    std::int64_t iterations = 0;
    void add(double l, double a) {
      loss += l;
      accuracy += a;
      ++iterations;
    }
    Record record(std::int64_t at, double rate, double p, int batch, double now) const {
      const double n = double(iterations);
      return {at, Record::train, loss / n, accuracy / n, rate, p, n * batch / (now - start), now};
    }
  };

  Record test_record(const Evaluation& result, double speed, double now) const {
    return {iteration_, Record::test, result.loss, result.accuracy, learning_rate(), mean_share(net_.shares()), speed, now};
  }

  [[noreturn]] void diverged(double loss, typename Net::workspace& ws) {
    const std::string layer = first_non_finite(net_, ws, true, iteration_, seed_);
    throw Diverged("iteration " + std::to_string(iteration_) + ": the loss is " + (std::isnan(loss) ? "not a number" : "infinite") +
                   "; the first value that is not finite comes from " + (layer.empty() ? "the loss" : layer) +
                   "; lower the learning rate, clip gradients, or grow more slowly");
  }

  Net& net_;
  Solver<Net> solver_;
  LearningRate rate_;
  Growth growth_;
  Seed seed_;
  std::int64_t iteration_ = 0;
};

}  // namespace dropnet
