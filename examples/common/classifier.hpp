#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <dropnet/image.hpp>
#include <functional>
#include <iostream>
#include <string>
#include <type_traits>
#include <vector>

#include "backend.hpp"
#include "commands.hpp"
#include "options.hpp"
#include "program.hpp"

namespace program {

/// What a program for one data set says of it.
struct Task {
  std::string name, about;
  std::string data_help;                                      ///< what --data names
  std::function<std::string(const std::string&)> folder;      ///< from what --data says, or empty, to the folder; throws Error
  std::function<Split(const std::string&)> load;              ///< from a folder
  std::vector<std::string> classes{};
  std::function<std::vector<std::string>(const std::string&)> read_classes{};  ///< from a folder, where the data say which they are
  float scale;                                                ///< what a pixel's byte is multiplied by
  bool mean_image;                                            ///< whether the training images' mean is subtracted first
  bool drawings = false;                                      ///< whether pictures may come as black on white
  dn::Fit fit = dn::Fit::stretch;                             ///< how a picture of other proportions is brought to the images' size
  std::function<void(CLI::App&)> add_commands{};              ///< commands of its own
};

/// The sides, in pixels, of images as they are stored and of what a network sees of them.
struct Sides {
  int stored, shown;
};

/// A program's commands: train, test, predict, time, summary, images. `Networks` has the flags that choose a network
/// (add_to), its title and its images' sides, and calls work(net) with it (with_net).
template <class Networks>
int classify(int argc, char** argv, const Task& task, Networks network, TrainOptions options) {
  CLI::App app(task.about, task.name);
  app.require_subcommand(1);
  BackendOptions backend;
  std::string data, weights, picture, split_name = "test", form = "text";
  std::vector<std::string> images;
  int batch = options.batch, iterations = 20, rows = 8;
  bool invert = false;
  const auto some = CLI::Range(1, 1 << 20).description("1 or more");
  const auto add_data = [&](CLI::App& to) { to.add_option("--data", data, task.data_help); };
  const auto backend_of = [&](const auto& net) { return backend.make<typename std::decay_t<decltype(net)>::backend>(); };
  const auto add_model = [&](CLI::App& to) {
    to.add_option("--weights", weights, "the model.safetensors that train wrote")->required()->check(CLI::ExistingFile);
  };
  const auto load_model = [&](auto& net) { return all_of(dn::load_weights(net, weights), weights, network.flags()); };
  const auto less = [](const dn::Dataset& d, const std::vector<float>& mean) { return mean.empty() ? d : d.less(mean); };
  const auto load = [&](const std::string& folder) {
    Split split = task.load(folder);
    const int shown = network.sides().shown;
    for (dn::Dataset* part : {&split.train, &split.test}) {
      if (part->height() < shown || part->width() < shown)
        throw dn::Error(folder + ": images of " + std::to_string(part->height()) + "x" + std::to_string(part->width()) + " pixels; " + network.title() + " sees " +
                        std::to_string(shown) + "x" + std::to_string(shown) + " of larger ones");
      *part = part->crop(shown, shown);
    }
    if (options.train_images > 0) {
      split.train = split.train.first(options.train_images);
      split.mean.clear();  // it was of all
    }
    return split;
  };
  const auto training_mean = [&](const Split& split) {
    return !task.mean_image ? std::vector<float>() : split.mean.empty() ? dn::mean_image(split.train) : split.mean;
  };

  auto& train = *app.add_subcommand("train", "train a network; writes metrics.csv and model.safetensors");
  network.add_to(train);
  options.add_to(train);
  backend.add_to(train);
  add_data(train);
  train.get_option("--resume")->excludes("--weights");
  train.callback([&] {
    const std::string checkpoint = options.resume.empty() ? "" : checkpoint_of(options, train);
    const std::string folder = task.folder(data);
    const Split split = load(folder);
    const auto mean = training_mean(split);
    network.with_net(backend, options.fill(), dn::Seed{options.seed}, [&](auto& net) {
      if (!options.quiet)
        std::cout << network.title() << ": " << describe(net) << "; " << folder << ": " << split.train.size() << " training and "
                  << split.test.size() << " test images\n";
      program::train(net, options, checkpoint, backend_of, less(split.train, mean), less(split.test, mean), split.note);
    });
  });

  auto& test = *app.add_subcommand("test", "loss and accuracy of a trained network");
  network.add_to(test);
  add_model(test);
  add_data(test);
  backend.add_to(test);
  test.add_option("--on", split_name, "which images: test, or train")->check(CLI::IsMember({"test", "train"}))->capture_default_str();
  options.add_workers_to(test);
  test.add_option("--train-images", options.train_images, "with --on train: the first so many; 0: all")->capture_default_str();
  test.callback([&] {
    const Split split = load(task.folder(data));
    const bool on_test = split_name == "test";
    const dn::Dataset shown = on_test ? split.test : split.train;
    network.with_net(backend, {}, {}, [&](auto& net) {
      const auto result = dn::evaluate(net, less(shown, load_model(net)), {.workers = options.workers}, backend_of(net));
      if (on_test && !split.note.empty()) std::cout << split.note << '\n';
      std::printf("%zu images, loss %.4f, among the first five %.4f\naccuracy %.4f\n", result.images, result.loss, result.top_k_accuracy,
                  result.accuracy);
    });
  });

  auto& predict = *app.add_subcommand("predict", std::string("say what each image shows; a JPEG or PNG of any size") +
                                                     (task.drawings ? ", white on black" : ""));
  network.add_to(predict);
  add_model(predict);
  predict.add_option("images", images, "image files")->required();
  if (task.drawings) predict.add_flag("--invert", invert, "the drawings are black on white");
  if (task.read_classes) add_data(predict);
  backend.add_to(predict);
  predict.callback([&] {
    const auto classes = task.read_classes ? task.read_classes(task.folder(data)) : task.classes;
    const Sides sides = network.sides();
    network.with_net(backend, {}, {}, [&](auto& net) {
      using Shape = typename std::decay_t<decltype(net)>::input;
      std::vector<std::uint8_t> pixels;
      for (const auto& path : images)
        for (const std::uint8_t b : dn::load_image(path, Shape::channels, sides.stored, sides.stored, task.fit).bytes) pixels.push_back(invert ? std::uint8_t(255 - b) : b);
      const auto pictures = dn::Dataset::owned(Shape::channels, sides.stored, sides.stored, nullptr, pixels, std::vector<int>(images.size(), 0), task.scale);
      const auto shown = less(pictures.crop(sides.shown, sides.shown), load_model(net));
      dn::Tensor<Shape> batch_of(int(images.size()));
      for (std::size_t i = 0; i < images.size(); ++i) shown.image(i, batch_of.sample(int(i)).data());
      typename std::decay_t<decltype(net)>::workspace ws(net, batch_of.batch(), dn::Purpose::predict, backend_of(net));
      const auto logits = net.predict(batch_of, ws);
      for (std::size_t i = 0; i < images.size(); ++i) {
        const auto all = logits.sample(int(i)), z = all.first(std::min(classes.size(), all.size()));
        const auto best = std::max_element(z.begin(), z.end());
        double sum = 0;
        for (float value : z) sum += std::exp(double(value - *best));
        std::printf("%s: %s (probability %.3f)\n", images[i].c_str(), classes[std::size_t(best - z.begin())].c_str(), 1 / sum);
      }
    });
  });

  auto& time = *app.add_subcommand("time", "milliseconds and GFLOP/s of each layer, forward and backward, fully grown");
  network.add_to(time);
  time.add_option("--batch", batch, "images in a batch")->check(some)->capture_default_str();
  backend.add_to(time);
  time.add_option("--iterations", iterations, "steps to average over")->check(some)->capture_default_str();
  time.callback([&] { network.with_net(backend, {}, {}, [&](auto& net) { time_layers(net, backend_of(net), batch, iterations); }); });

  auto& summary = *app.add_subcommand("summary", "layers with shapes, parameters, multiply-adds and activation bytes");
  network.add_to(summary);
  summary.add_option("--as", form, "text; json; dot, for Graphviz: " + task.name + " summary --as dot | dot -Tsvg")->check(CLI::IsMember({"text", "json", "dot"}))->capture_default_str();
  summary.callback([&] {
    network.with_net({}, {}, {}, [&](auto& net) { std::cout << (form == "json" ? dn::summary_json(net) : form == "dot" ? dn::summary_dot(net) : dn::summary(net)); });
  });

  auto& sheet = *app.add_subcommand("images", "draw training images as a network sees them, one a row: as it is, then in nine epochs");
  network.add_to(sheet);
  options.add_augmentation_to(sheet);
  add_data(sheet);
  sheet.add_option("--out", picture, "the PNG file to write")->required();
  sheet.add_option("--rows", rows, "images to show")->check(CLI::Range(1, 1000).description("1 to 1000"))->capture_default_str();
  sheet.add_option("--seed", options.seed, "as train's")->capture_default_str();
  sheet.callback([&] {
    const Split split = load(task.folder(data));
    dn::save_image(contact_sheet(less(split.train, training_mean(split)), options.augmentation(), dn::Seed{options.seed}, rows), picture);
    std::cout << "wrote " << picture << '\n';
  });

  if (task.add_commands) task.add_commands(app);
  app.set_version_flag("--version", DROPNET_VERSION_STRING);
  return run(app, argc, argv);
}

}  // namespace program
