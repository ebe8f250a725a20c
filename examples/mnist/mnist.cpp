// Trains LeNet(2N) on MNIST, with and without gradual DropIn: section 4.1 and Table 1 of the paper.

#include <dropnet/models/lenet.hpp>

#include "../common/classifier.hpp"

namespace dn = dropnet;
using Input = dn::Image<1, 28, 28>;

namespace {

struct Networks {
  int depth = 5;
  bool rectified = false;
  void add_to(CLI::App& app) {
    app.add_option("--depth", depth, "the paper's N: LeNet(2N) has 2N convolutions")
        ->check(CLI::Range(1, 500).description("1 to 500"))->capture_default_str()->group("Network");
    app.add_flag("--relu", rectified, "a ReLU after each convolution")->group("Network");
  }
  std::string title() const { return "LeNet(" + std::to_string(2 * depth) + ")"; }
  /// The flags that make another network of it.
  static const char* flags() { return "--depth"; }
  static program::Sides sides() { return {Input::height, Input::height}; }
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

}  // namespace

int main(int argc, char** argv) {
  const auto recipe = dn::models::LeNet<>::recipe();
  const program::Task task{
      .name = "mnist",
      .about = "Trains LeNet(2N) on MNIST by gradual DropIn of layers, tests it, and uses it.",
      .data_help = "folder with MNIST's four IDX files (default: $DROPNET_DATA/mnist, data/mnist, data/mnist-sample)",
      .folder = [](const std::string& given) {
        return program::data_folder(given, {"mnist", "mnist-sample"}, "get it with data/fetch mnist, or name a folder with --data");
      },
      .load = [](const std::string& folder) {
        auto mnist = dn::load_mnist(folder);
        return program::Split{mnist.train, mnist.test};
      },
      .classes = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
      .scale = recipe.scale,
      .mean_image = recipe.mean_image,
      .drawings = true};
  program::TrainOptions options;
  options.out = "runs/mnist";
  return program::classify(argc, argv, task, Networks{}, options);
}
