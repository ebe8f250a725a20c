#pragma once

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <dropnet/dropnet.hpp>
#include <dropnet/image.hpp>
#include <dropnet/snapshots.hpp>
#include <dropnet/weights.hpp>
#include <filesystem>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "backend.hpp"
#include "options.hpp"
#include "program.hpp"
#include "recall.hpp"

namespace program {

/// The first of $DROPNET_DATA/NAME and data/NAME, data/OTHER... that is there; `given` if it is not empty.
/// Throws Error that names where it looked and `remedy`.
inline std::string data_folder(const std::string& given, const std::vector<std::string>& names, const std::string& remedy) {
  if (!given.empty()) return given;
  std::vector<std::string> places;
  if (const char* root = std::getenv("DROPNET_DATA"); root && *root) places.push_back(std::string(root) + "/" + names.front());
  for (const auto& name : names) places.push_back("data/" + name);
  std::string looked;
  for (const auto& place : places) {
    if (std::filesystem::is_directory(place)) return place;
    looked += (looked.empty() ? "" : ", ") + place;
  }
  throw dn::Error("no data: none of " + looked + " is there; " + remedy);
}

template <class Net>
std::string describe(const Net& net) {
  const auto& layers = net.architecture().layers;
  const auto convs = std::count_if(layers.begin(), layers.end(), [](const auto& l) { return l.kind == "conv"; });
  return std::to_string(convs) + " conv layers, " + dn::detail::grouped(net.extent().parameters) + " parameters, " +
         std::to_string(net.shares().size()) + " DropIn sites";
}

/// A data set's two parts, what is to be said beside an accuracy, and the mean of the training images where it is known.
struct Split {
  dn::Dataset train, test;
  std::string note{};
  std::vector<float> mean{};
};

/// `rows` images, one a row: as it is, then as it is varied in nine epochs; framed in grey.
inline dn::Picture contact_sheet(const dn::Dataset& data, const dn::Augmentation& augmentation, dn::Seed seed, int rows) {
  constexpr int columns = 10, gap = 2;
  rows = int(std::min(std::size_t(rows), data.size()));
  const int high = data.height() + gap, wide = data.width() + gap, channels = data.channels();
  dn::Picture sheet{channels, rows * high + gap, columns * wide + gap, {}};
  sheet.bytes.assign(std::size_t(channels) * std::size_t(sheet.height) * std::size_t(sheet.width), 128);
  std::vector<float> image(data.image_size());
  const auto mean = data.shown_mean();
  for (int row = 0; row < rows; ++row)
    for (int column = 0; column < columns; ++column) {
      const dn::Pick pick = column == 0 ? dn::Pick{.image = std::uint32_t(row)} : dn::augmented(augmentation, seed, std::uint64_t(column - 1), std::uint32_t(row));
      data.image(pick, image.data());
      std::size_t i = 0;
      for (int c = 0; c < channels; ++c)
        for (int y = 0; y < data.height(); ++y)
          for (int x = 0; x < data.width(); ++x, ++i) {
            const float value = image[i] / data.scale() + (mean.empty() ? 0 : mean[i]);
            const int to = (c * sheet.height + row * high + gap + y) * sheet.width + column * wide + gap + x;
            sheet.bytes[std::size_t(to)] = std::uint8_t(std::clamp(std::lround(value), 0L, 255L));
          }
    }
  return sheet;
}

/// Says what of a file of weights went into a network. Throws Error if nothing did.
inline void tell(const dn::LoadedWeights& loaded, const std::string& weights, std::size_t tensors, std::ostream& out) {
  out << weights << ": " << loaded.copied.size() << " of " << tensors << " tensors copied\n";
  for (const auto& name : loaded.missing) out << "  not in the file: " << name << '\n';
  for (const auto& name : loaded.unfitting) out << "  does not fit: " << name << '\n';
  for (const auto& name : loaded.unused) out << "  not in the network: " << name << '\n';
  if (loaded.copied.empty()) throw dn::Error(weights + ": no tensor of it fits this network");
}

/// The folder that --resume names, its flags taken over where the command line has none.
inline std::string checkpoint_of(TrainOptions& o, CLI::App& command) {
  const std::string path = dn::detail::without_slash(o.resume == "latest" ? o.out + "/latest" : o.resume);
  const auto notes = dn::detail::SolverFile(dn::detail::checkpoint_folder(path) + "/solver.safetensors").notes;
  const auto flags = notes.find("flags");
  recall::flags_back(command, flags == notes.end() ? "" : flags->second, path);
  if (command.get_option("--out")->count() == 0) o.out = dn::detail::folder_of(path);
  return path;
}

/// What a training run writes, to the terminal and to files; all of it goes on behind iteration `after`.
class Outputs {
 public:
  Outputs(const TrainOptions& o, std::int64_t after, std::ostream& out)
      : console_(out, isatty(1), isatty(1) && !std::getenv("NO_COLOR")), csv_(o.out + "/metrics.csv", o.note, after) {
    if (o.json_lines) json_lines_.emplace(o.out + "/metrics.jsonl", after);
    if (o.tensorboard) tensorboard_.emplace(o.out, after);
    if (o.norms > 0) norms_.emplace(o.out + "/norms.csv", after);
    if (o.stop_vanished) vanished_.emplace();
  }
  std::vector<dn::Observer*> observers(dn::Observer& last) {
    std::vector<dn::Observer*> all{&console_, &csv_, &accuracy_};
    if (json_lines_) all.push_back(&*json_lines_);
    if (tensorboard_) all.push_back(&*tensorboard_);
    if (norms_) all.push_back(&*norms_);
    if (vanished_) all.push_back(&*vanished_);
    all.push_back(&last);
    return all;
  }
  /// Of the last test, if there was one.
  std::optional<double> accuracy() const { return accuracy_.last; }
  /// Whether --stop-vanished is to stop the run.
  bool vanished() const { return vanished_ && vanished_->found(); }

 private:
  struct Accuracy : dn::Observer {
    std::optional<double> last;
    void record(const dn::Record& r) override {
      if (r.phase == dn::Record::test) last = r.accuracy;
    }
  };
  dn::Console console_;
  dn::Csv csv_;
  Accuracy accuracy_;
  std::optional<dn::JsonLines> json_lines_;
  std::optional<dn::TensorBoard> tensorboard_;
  std::optional<dn::NormsCsv> norms_;
  std::optional<dn::VanishedGradient> vanished_;
};

inline void make_folder(const std::string& path) {
  std::error_code failure;
  std::filesystem::create_directories(path, failure);
  if (failure) throw dn::Error(path + ": the folder cannot be made: " + failure.message());
}

/// Where a run goes on. Throws Error if it is at its end already.
inline void tell_resumed(const std::string& checkpoint, std::int64_t at, std::int64_t iterations, std::ostream& out) {
  out << checkpoint << ": goes on behind iteration " << at << '\n';
  if (at > iterations) throw dn::Error(checkpoint + ": is of iteration " + std::to_string(at) + ", behind --iterations " + std::to_string(iterations));
}

/// What `train` does once there are a network and data; `backend_of(net)` makes a backend.
template <class Net, class BackendOf>
void train(Net& net, const TrainOptions& o, const std::string& checkpoint, const BackendOf& backend_of, const dn::Dataset& training,
           const dn::Dataset& test, const std::string& note) {
  std::ostream silent(nullptr), &out = o.quiet ? silent : std::cout;
  if (!o.weights.empty()) tell(dn::load_weights(net, o.weights), o.weights, net.architecture().tensors.size(), out);
  dn::Trainer trainer{net, o.sgd(), o.learning_rate(), o.growth_schedule(), dn::Seed{o.seed}};
  dn::CheckpointExtras extras;
  if (!checkpoint.empty()) {
    extras = dn::resume(trainer, checkpoint);
    tell_resumed(checkpoint, trainer.iteration(), o.iterations, out);
  }
  extras.mean = training.shown_mean();
  extras.notes["flags"] = recall::flags(*o.command);
  make_folder(o.out);
  dn::Snapshots snapshots(trainer, o.out, o.keep, extras);
  const std::int64_t begun = trainer.iteration();
  Outputs outputs(o, begun, out);
  Interrupt::listen();
  trainer.fit(training, {.batch = o.batch, .iter_size = o.iter_size, .iterations = o.iterations - trainer.iteration(), .test = &test,
                         .test_interval = o.test_interval, .display = o.display, .augmentation = o.augmentation(), .workers = o.workers,
                         .observers = outputs.observers(snapshots), .norms_interval = o.norms_interval(), .snapshot_interval = o.snapshot,
                         .stop = [&] { return Interrupt::asked() || outputs.vanished(); }},
              backend_of(net));
  if (outputs.vanished())
    out << "stopped behind iteration " << trainer.iteration() << ": no gradient reaches the first layer; try growth, another filler or a smaller --lr\n";
  else if (Interrupt::asked() && trainer.iteration() < o.iterations) {
    out << "interrupted behind iteration " << trainer.iteration() << "; wrote " << snapshots.latest() << "; go on with --resume " << o.out << "/latest\n";
    throw Interrupted();
  }
  if (const double done = dn::mean_work(net.architecture(), trainer.state().growth, begun, trainer.iteration()); done < 0.995)
    out << dn::detail::formatted("growth saved %.0f %% of the multiply-adds\n", 100 * (1 - done));
  // A run that was stopped, or had nothing left to do, was not tested at its end.
  const double accuracy = outputs.accuracy() && !outputs.vanished() ? *outputs.accuracy() : dn::evaluate(net, test, {.workers = o.workers}, backend_of(net)).accuracy;
  dn::save_weights(net, o.out + "/model.safetensors", extras.mean);
  out << "wrote " << o.out << "/metrics.csv and " << o.out << "/model.safetensors\n";
  if (!note.empty()) out << note << '\n';
  out << dn::detail::formatted("final accuracy %.4f\n", accuracy);
}

/// Throws Error unless a file had all weights of a network; `flags`: what makes another network.
inline std::vector<float> all_of(const dn::LoadedWeights& loaded, const std::string& path, const std::string& flags) {
  const std::string wrong = !loaded.unfitting.empty() ? loaded.unfitting.front()
                            : !loaded.missing.empty() ? loaded.missing.front() + " is not in the file"
                            : !loaded.unused.empty()  ? loaded.unused.front() + " is in the file, not in the network"
                                                      : "";
  if (!wrong.empty()) throw dn::Error(path + ": " + wrong + "; was it trained with another " + flags + "?");
  return loaded.mean;
}

/// The table that `time` prints: `seconds` by direction and layer, over `iterations` steps; `kernels` likewise; `steps` each one's.
inline void print_times(const std::vector<dn::LayerInfo>& layers, const std::vector<double> (&seconds)[2], const std::vector<std::string> (&kernels)[2],
                        std::vector<double> steps, int batch, int iterations, const std::string& backend) {
  std::vector<std::vector<std::string>> rows{{"layer", "forward ms", "GFLOP/s", "kernel", "backward ms", "GFLOP/s", "kernel"}};
  const auto text = [](const char* format, double value) { return dn::detail::formatted(format, value); };
  double sums[2] = {}, operations[2] = {};
  for (std::size_t i = 0; i < layers.size(); ++i) {
    // The first layer's input needs no gradient: its backward does half of the work.
    const double forward = 2.0 * double(layers[i].multiply_adds) * batch, backward = forward * (i == 0 ? 1 : 2);
    const double work[2] = {forward, backward};
    std::vector<std::string> row{layers[i].name};
    for (int d = 0; d < 2; ++d) {
      const double each = seconds[d][i] / iterations;
      sums[d] += each;
      operations[d] += work[d];
      row.push_back(text("%.3f", each * 1e3));
      row.push_back(work[d] > 0 && each > 0 ? text("%.1f", work[d] / each * 1e-9) : "");
      row.push_back(kernels[d][i]);
    }
    rows.push_back(row);
  }
  rows.push_back({"total", text("%.3f", sums[0] * 1e3), text("%.1f", operations[0] / sums[0] * 1e-9), "", text("%.3f", sums[1] * 1e3),
                  text("%.1f", operations[1] / sums[1] * 1e-9), ""});
  std::cout << dn::detail::table(rows);
  std::sort(steps.begin(), steps.end());
  std::printf("forward, loss and backward of a batch of %d: median %.2f ms, %.2f to %.2f ms, %s\n", batch, steps[steps.size() / 2] * 1e3,
              steps.front() * 1e3, steps.back() * 1e3, backend.c_str());
}

/// Times each layer's forward and backward over `iterations` steps of made-up images.
template <class Net>
void time_layers(const Net& net, typename Net::backend backend, int batch, int iterations) {
  using Clock = std::chrono::steady_clock;
  using T = typename Net::scalar;
  struct Stopwatch : dn::Probe<T> {
    std::vector<double> seconds[2];
    std::vector<std::string> kernels[2];
    Clock::time_point began;
    void kernel(int layer, dn::Direction d, const std::string& name) override { kernels[int(d)][std::size_t(layer)] = name; }
    void before(int, dn::Direction) override { began = Clock::now(); }
    void after(int layer, dn::Direction d, const T*, std::size_t) override {
      seconds[int(d)][std::size_t(layer)] += std::chrono::duration<double>(Clock::now() - began).count();
    }
  } watch;
  const auto& layers = net.architecture().layers;
  typename Net::workspace ws(net, batch, dn::Purpose::train, std::move(backend));
  std::vector<T> images(std::size_t(batch) * Net::input::size);
  const dn::Random random(dn::Seed{1}, dn::Random::filler, 0, 0);
  for (std::size_t i = 0; i < images.size(); ++i) images[i] = T(random.uniform(i));
  const std::vector<int> labels(std::size_t(batch), 0);
  ws.load(images);
  ws.load_labels(labels);
  std::vector<double> steps;
  constexpr int warm_up = 3;
  for (int i = 0; i < warm_up + iterations; ++i) {
    if (i == warm_up)
      for (auto& s : watch.seconds) s.assign(layers.size(), 0);
    if (i < warm_up) {
      for (auto& s : watch.seconds) s.resize(layers.size());
      for (auto& k : watch.kernels) k.resize(layers.size());
    }
    const auto began = Clock::now();
    ws.begin(net, {.training = true});
    queue_train_pass(net, ws, &watch);
    if (i >= warm_up) steps.push_back(std::chrono::duration<double>(Clock::now() - began).count());
  }
  print_times(layers, watch.seconds, watch.kernels, steps, batch, iterations, describe(ws.backend()) + (ws.slices(net) > 1 ? ", in " + std::to_string(ws.slices(net)) + " slices, here one after the other" : std::string()));
}

}  // namespace program
