// Trains LeNet(2N) on MNIST, with and without gradual DropIn: section 4.1 and Table 1 of the paper.

#include <dropnet/image.hpp>
#include <dropnet/models/lenet.hpp>

#include "../common/backend.hpp"
#include "../common/commands.hpp"
#include "../common/options.hpp"
#include "../common/program.hpp"

namespace dn = dropnet;
using Input = dn::Image<1, 28, 28>;

namespace {

struct NetOptions {
  int depth = 5;
  bool rectified = false;
  void add_to(CLI::App& app) {
    app.add_option("--depth", depth, "the paper's N: LeNet(2N) has 2N convolutions")
        ->check(CLI::Range(1, 500).description("1 to 500"))->capture_default_str()->group("Network");
    app.add_flag("--relu", rectified, "a ReLU after each convolution")->group("Network");
  }
  /// Calls work(net) with the network on its backend, its weights filled.
  template <class Work>
  void with_net(const program::BackendOptions& backend, const dn::Fill& fill, dn::Seed seed, Work work) const {
    backend.with([&]<class Backend>(std::type_identity<Backend>) {
      if (rectified)
        run<true, Backend>(fill, seed, work);
      else
        run<false, Backend>(fill, seed, work);
    });
  }

 private:
  template <bool Rectify, class Backend, class Work>
  void run(const dn::Fill& fill, dn::Seed seed, Work work) const {
    using Model = dn::models::LeNet<dn::Dynamic, 10, Input, Rectify>;
    dn::Network<typename Model::Spec, Input, Backend> net(Model::spec(depth), fill, seed);
    work(net);
  }
};

std::string find_data(const std::string& given) {
  return program::data_folder(given, {"mnist", "mnist-sample"}, "get it with data/fetch mnist, or name a folder with --data");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Trains LeNet(2N) on MNIST by gradual DropIn of layers, tests it, and uses it.", "mnist");
  app.require_subcommand(1);
  NetOptions network;
  program::BackendOptions backend;
  program::TrainOptions options;
  options.out = "runs/mnist";
  std::string data, weights;
  std::vector<std::string> images;
  int batch = 64, iterations = 20;
  bool invert = false;
  const auto add_data = [&](CLI::App& to) {
    to.add_option("--data", data, "folder with MNIST's four IDX files (default: $DROPNET_DATA/mnist, data/mnist, data/mnist-sample)");
  };
  const auto backend_of = [&](const auto& net) { return backend.make<typename std::decay_t<decltype(net)>::backend>(); };
  const auto add_model = [&](CLI::App& to) {
    to.add_option("--weights", weights, "the model.safetensors that train wrote")->required()->check(CLI::ExistingFile);
  };

  auto& train = *app.add_subcommand("train", "train a network; writes metrics.csv and model.safetensors");
  network.add_to(train);
  options.add_to(train);
  backend.add_to(train);
  add_data(train);
  train.callback([&] {
    const std::string folder = find_data(data);
    const auto mnist = dn::load_mnist(folder);
    network.with_net(backend, options.fill(), dn::Seed{options.seed}, [&](auto& net) {
      std::cout << "LeNet(" << 2 * network.depth << "): " << program::describe(net) << "; " << folder << ": "
                << mnist.train.size() << " training and " << mnist.test.size() << " test images\n";
      program::train(net, options, backend_of(net), mnist.train, mnist.test);
    });
  });

  auto& test = *app.add_subcommand("test", "loss and accuracy of a trained network on the test images");
  network.add_to(test);
  add_model(test);
  add_data(test);
  backend.add_to(test);
  test.callback([&] {
    const auto mnist = dn::load_mnist(find_data(data));
    network.with_net(backend, {}, {}, [&](auto& net) {
      program::load_all(net, weights);
      const auto result = dn::evaluate(net, mnist.test, {}, backend_of(net));
      std::printf("%zu images, loss %.4f, among the first five %.4f\naccuracy %.4f\n", result.images, result.loss, result.top_k_accuracy,
                  result.accuracy);
    });
  });

  auto& predict = *app.add_subcommand("predict", "say which digit each image shows; a JPEG or PNG, white on black, of any size");
  network.add_to(predict);
  add_model(predict);
  predict.add_option("images", images, "image files")->required();
  predict.add_flag("--invert", invert, "the digits are black on white");
  backend.add_to(predict);
  predict.callback([&] {
    dn::Tensor<Input> batch_of(int(images.size()));
    for (std::size_t i = 0; i < images.size(); ++i) {
      const auto picture = dn::load_image(images[i], Input::channels, Input::height, Input::width);
      for (std::size_t k = 0; k < Input::size; ++k)
        batch_of.sample(int(i))[k] = float(invert ? 255 - picture.bytes[k] : picture.bytes[k]) / 256;
    }
    network.with_net(backend, {}, {}, [&](auto& net) {
      program::load_all(net, weights);
      typename std::decay_t<decltype(net)>::workspace ws(net, batch_of.batch(), dn::Purpose::predict, backend_of(net));
      const auto logits = net.predict(batch_of, ws);
      for (std::size_t i = 0; i < images.size(); ++i) {
        const auto z = logits.sample(int(i));
        const auto best = std::max_element(z.begin(), z.end());
        double sum = 0;
        for (float value : z) sum += std::exp(double(value - *best));
        std::printf("%s: %d (probability %.3f)\n", images[i].c_str(), int(best - z.begin()), 1 / sum);
      }
    });
  });

  auto& time = *app.add_subcommand("time", "milliseconds and GFLOP/s of each layer, forward and backward, fully grown");
  network.add_to(time);
  const auto some = CLI::Range(1, 1 << 20).description("1 or more");
  time.add_option("--batch", batch, "images in a batch")->check(some)->capture_default_str();
  backend.add_to(time);
  time.add_option("--iterations", iterations, "steps to average over")->check(some)->capture_default_str();
  time.callback([&] { network.with_net(backend, {}, {}, [&](auto& net) { program::time_layers(net, backend_of(net), batch, iterations); }); });

  auto& summary = *app.add_subcommand("summary", "layers with shapes, parameters, multiply-adds and activation bytes");
  network.add_to(summary);
  summary.callback([&] { network.with_net({}, {}, {}, [](auto& net) { std::cout << dn::summary(net); }); });

  app.set_version_flag("--version", DROPNET_VERSION_STRING);
  return program::run(app, argc, argv);
}
