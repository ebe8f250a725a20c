#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <dropnet/dropnet.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace program {

namespace dn = dropnet;

namespace detail {

inline std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

/// The whole text as a number; throws CLI::ValidationError.
inline double number(const std::string& text, const std::string& whole) {
  std::size_t used = 0;
  double value = 0;
  try {
    value = std::stod(text, &used);
  } catch (const std::exception&) {
  }
  if (used == 0 || used != text.size()) throw CLI::ValidationError("'" + text + "' in '" + whole + "' is not a number");
  return value;
}
inline std::int64_t count(const std::string& text, const std::string& whole) {
  const double value = number(text, whole);
  if (!(value >= 1 && value <= 1e15) || value != double(std::int64_t(value)))
    throw CLI::ValidationError("'" + text + "' in '" + whole + "' is not a positive whole number");
  return std::int64_t(value);
}

}  // namespace detail

inline constexpr const char* filler_help =
    "xavier[:in|out|average], msra[:in|out|average], gaussian:STD, uniform:MIN:MAX, constant:VALUE, positive_unitball, bilinear";

/// As filler_help says.
inline dn::Filler parse_filler(const std::string& text) {
  const auto parts = detail::split(text, ':');
  if (parts.size() <= 2 && !parts.empty() && (parts[0] == "xavier" || parts[0] == "msra")) {
    const std::string fan = parts.size() == 2 ? parts[1] : "in";
    if (fan == "in" || fan == "out" || fan == "average") {
      const dn::Fan by = fan == "in" ? dn::Fan::in : fan == "out" ? dn::Fan::out : dn::Fan::average;
      return parts[0] == "xavier" ? dn::Filler(dn::Xavier{by}) : dn::Filler(dn::Msra{by});
    }
  }
  if (text == "positive_unitball") return dn::PositiveUnitball{};
  if (text == "bilinear") return dn::Bilinear{};
  if (parts.size() == 3 && parts[0] == "uniform")
    return dn::Uniform{float(detail::number(parts[1], text)), float(detail::number(parts[2], text))};
  if (parts.size() == 2 && parts[0] == "gaussian") {
    const double std = detail::number(parts[1], text);
    if (!(std >= 0)) throw CLI::ValidationError("'" + text + "': the standard deviation must be at least 0");
    return dn::Gaussian{float(std)};
  }
  if (parts.size() == 2 && parts[0] == "constant") return dn::Constant{float(detail::number(parts[1], text))};
  throw CLI::ValidationError("'" + text + "' is no filler; there are " + filler_help);
}

inline constexpr const char* policy_help =
    "fixed, step:GAMMA:STEP, multistep:GAMMA:STEP,STEP,..., inv:GAMMA:POWER, exp:GAMMA, poly:POWER:ITERATIONS, sigmoid:GAMMA:STEP";

/// As policy_help says.
inline dn::RatePolicy parse_policy(const std::string& text, float base) {
  const auto parts = detail::split(text, ':');
  if (text == "fixed") return dn::Fixed{base};
  if (parts.size() == 3 && parts[0] == "step")
    return dn::Step{base, float(detail::number(parts[1], text)), detail::count(parts[2], text)};
  if (parts.size() == 3 && parts[0] == "multistep") {
    dn::MultiStep policy{base, float(detail::number(parts[1], text)), {}};
    for (const auto& step : detail::split(parts[2], ',')) policy.steps.push_back(detail::count(step, text));
    return policy;
  }
  if (parts.size() == 3 && parts[0] == "inv")
    return dn::Inverse{base, float(detail::number(parts[1], text)), float(detail::number(parts[2], text))};
  if (parts.size() == 2 && parts[0] == "exp") return dn::Exponential{base, float(detail::number(parts[1], text))};
  if (parts.size() == 3 && parts[0] == "poly")
    return dn::Polynomial{base, float(detail::number(parts[1], text)), detail::count(parts[2], text)};
  if (parts.size() == 3 && parts[0] == "sigmoid")
    return dn::SigmoidDecay{base, float(detail::number(parts[1], text)), detail::count(parts[2], text)};
  throw CLI::ValidationError("'" + text + "' is no learning-rate policy; there are " + policy_help);
}

/// SITE:START:LENGTH,...
inline std::vector<dn::BySite::Site> parse_sites(const std::string& text) {
  std::vector<dn::BySite::Site> sites;
  for (const auto& one : detail::split(text, ',')) {
    const auto parts = detail::split(one, ':');
    if (parts.size() != 3) throw CLI::ValidationError("'" + one + "' in '" + text + "' is not SITE:START:LENGTH");
    std::vector<std::int64_t> numbers;
    for (const auto& part : parts) {
      const double value = detail::number(part, text);
      if (!(value >= 0 && value <= 1e15) || value != double(std::int64_t(value)))
        throw CLI::ValidationError("'" + part + "' in '" + text + "' is not a whole number of 0 or more");
      numbers.push_back(std::int64_t(value));
    }
    sites.push_back({int(numbers[0]), numbers[1], numbers[2]});
  }
  return sites;
}

/// What all training programs take; the defaults are the calling program's to change.
struct TrainOptions {
  std::string growth = "gradual", mask = "unit", filler = "xavier", new_filler = "gaussian:0.01", policy = "inv:0.0001:0.75", sites;
  std::int64_t start = 0, length = 2500, gap = -1, warm_up = 0;
  double p = 0.5;
  std::int64_t iterations = 10000, test_interval = 500, display = 100, snapshot = 0, norms = 0;
  int batch = 64, iter_size = 1, pad = 0, workers = 0, keep = 3;
  std::size_t train_images = 0;
  bool mirror = false, quiet = false, json_lines = false, tensorboard = false;
  bool nesterov = false, stop_vanished = false;
  float lr = 0.01f, momentum = 0.9f, weight_decay = 5e-4f, clip = 0, bias_rate = 2, bias_decay = 1;
  std::uint64_t seed = 1;
  std::string out, weights, note, resume;
  const CLI::App* command = nullptr;  ///< that they were added to

  void add_to(CLI::App& app) {
    command = &app;
    const auto valid = [](auto parse) {
      return CLI::Validator([parse](std::string& text) {
        try {
          parse(text);
          return std::string();
        } catch (const CLI::ValidationError& e) {
          return std::string(e.what());
        }
      }, "");
    };
    const auto whole = CLI::Range(std::int64_t(0), std::int64_t(1) << 50).description("0 or more");
    const auto at_least_1 = CLI::Range(std::int64_t(1), std::int64_t(1) << 50).description("1 or more");
    const auto not_negative = CLI::NonNegativeNumber.description("0 or more");
    const auto filler_text = valid(parse_filler), policy_text = valid([](const std::string& t) { parse_policy(t, 1); });
    const auto share = CLI::Range(0.0, 1.0).description("0 to 1"), momentums = CLI::Range(0.0, 0.9999).description("0 to 0.9999");

    std::string group;
    const auto add = [&](const char* name, auto& value, const std::string& help) {
      return app.add_option(name, value, help)->capture_default_str()->group(group);
    };
    group = "Growth";
    add("--growth", growth, "how layers behind DropIn come in: none (all there from the start), gradual, staggered, regularizing")
        ->check(CLI::IsMember({"none", "gradual", "staggered", "regularizing"}));
    add("--dropin-start", start, "iteration at which growth begins")->check(whole);
    add("--dropin-length", length, "iterations from p = 0 to p = 1")->check(whole);
    add("--dropin-gap", gap, "staggered: iterations between the starts of two sites (default: the length)")->check(whole)->default_str("");
    add("--dropin-p", p, "regularizing: the constant share of new units")->check(share);
    add("--dropin-mask", mask, "which units are let in: unit (Eq. 1), channel (by whole channels), bernoulli (at random), blend (all in part); "
        "regularizing always draws")
        ->check(CLI::IsMember({"unit", "channel", "bernoulli", "blend"}));
    add("--dropin-sites", sites, "site by site instead: SITE:START:LENGTH,...; sites that are not named stand from the start")
        ->check(valid(parse_sites))->default_str("");
    group = "Weights";
    add("--filler", filler, std::string("first weights: ") + filler_help)->check(filler_text);
    add("--new-filler", new_filler, "first weights of the layers behind DropIn")->check(filler_text);
    add("--weights", weights, "a model.safetensors to begin with: what fits by name is copied")->check(CLI::ExistingFile);
    add("--seed", seed, "of weights, order of images and masks");
    group = "Solver";
    add("--iterations", iterations, "batches to train on")->check(at_least_1);
    add("--batch", batch, "images in a batch")->check(CLI::Range(1, 1 << 20).description("1 or more"));
    add("--iter-size", iter_size, "batches whose gradients are added up for one step")->check(CLI::Range(1, 1 << 20).description("1 or more"));
    add("--lr", lr, "base learning rate")->check(not_negative);
    add("--lr-policy", policy, policy_help)->check(policy_text);
    add("--warm-up", warm_up, "iterations over which the learning rate climbs from 0")->check(whole);
    add("--momentum", momentum, "of the gradient steps")->check(momentums);
    app.add_flag("--stop-vanished", stop_vanished, "stop when three times in a row, every --debug-norms iterations or every 20, no gradient has reached the first layer")
        ->group(group);
    app.add_flag("--nesterov", nesterov, "Nesterov's momentum")->group(group);
    add("--weight-decay", weight_decay, "L2 penalty")->check(not_negative);
    add("--clip", clip, "global L2 norm to which gradients are clipped; 0: not")->check(not_negative);
    group = "Data";
    add("--train-images", train_images, "use the first so many training images; 0: all");
    add_workers_to(app)->group(group);
    add_augmentation_to(app);
    group = "Output";
    add("--out", out, "folder for metrics.csv, model.safetensors and checkpoints");
    add("--test-interval", test_interval, "iterations between tests; 0: at the end only")->check(whole);
    add("--display", display, "iterations between lines; 0: none")->check(whole);
    add("--note", note, "a comment line for the head of metrics.csv");
    app.add_flag("--jsonl", json_lines, "metrics.jsonl too: a line of JSON for each line of metrics.csv")->group(group);
    app.add_flag("--tensorboard", tensorboard, "TensorBoard's event files too")->group(group);
    add("--debug-norms", norms, "iterations between lines of norms.csv, each layer's norms of activations, gradients and weights; 0: none")->check(whole);
    app.add_flag("--quiet", quiet, "print nothing but errors")->group(group);
    group = "Checkpoints";
    add("--snapshot", snapshot, "iterations between checkpoints, OUT/iter_000200 and so on; 0: only when interrupted (Ctrl-C, SIGTERM)")->check(whole);
    add("--keep", keep, "how many of the last ones are kept, beside the best; 0: all")->check(CLI::Range(0, 1 << 30).description("0 or more"));
    add("--resume", resume, "a checkpoint to go on from, exactly: its folder, or latest for OUT/latest; its flags need not be given again");
  }

  CLI::Option* add_workers_to(CLI::App& app) {
    return app.add_option("--workers", workers, "threads that prepare batches ahead; 0: none, and a GPU holds all images")
        ->check(CLI::Range(0, 1024).description("0 to 1024"))->capture_default_str();
  }
  void add_augmentation_to(CLI::App& app) {
    app.add_option("--pad", pad, "pixels by which what a network sees of a training image is moved at random, over zeros where the image ends")
        ->check(CLI::Range(0, 1024).description("0 to 1024"))->capture_default_str()->group("Data");
    app.add_flag("--mirror", mirror, "turn half of the training images left to right")->group("Data");
  }
  /// Iterations between looks at the layers' norms.
  std::int64_t norms_interval() const { return norms > 0 ? norms : stop_vanished ? 20 : 0; }
  dn::Augmentation augmentation() const { return {pad, mirror}; }

  dn::Growth growth_schedule() const {
    const dn::Mask kind = dn::mask_of(mask).value();
    if (!sites.empty()) return dn::BySite{parse_sites(sites), kind};
    if (growth == "gradual") return dn::Gradual{start, length, kind};
    if (growth == "staggered") return dn::Staggered{start, length, gap < 0 ? length : gap, kind};
    if (growth == "regularizing") return dn::Regularizing{p};
    return dn::Grown{};
  }
  dn::Fill fill() const { return {.layers = parse_filler(filler), .added = parse_filler(new_filler)}; }
  dn::LearningRate learning_rate() const {
    return dn::WarmUp{.length = warm_up, .then = parse_policy(policy, lr)};
  }
  /// Caffe's recipes: biases learn at twice the rate, unless a program says otherwise.
  dn::Sgd sgd() const {
    return {.momentum = momentum, .weight_decay = weight_decay, .clip = clip, .bias_rate = bias_rate, .bias_decay = bias_decay, .nesterov = nesterov};
  }
};

}  // namespace program
