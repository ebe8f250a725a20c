// Trains the paper's ImageNet networks, AlexNet with 13 layers and VGG16, grown by gradual DropIn: section 4.3, Tables 4 and 6.

#include <dropnet/data/image_folder.hpp>
#include <dropnet/data/packed.hpp>
#include <dropnet/models/alexnet.hpp>
#include <dropnet/models/vgg.hpp>

#include "../common/classifier.hpp"

namespace dn = dropnet;
namespace models = dropnet::models;

namespace {

struct Networks {
  std::string net = "alexnet";
  void add_to(CLI::App& app) {
    app.add_option("--net", net,
                   "alexnet: AlexNet with every convolution doubled, Table 4; vgg16: Table 6; both see 227 or 224 of 256 pixels; vgg16-64: "
                   "VGG16 for small images, of which it sees 56 of 64 pixels")
        ->check(CLI::IsMember({"alexnet", "vgg16", "vgg16-64"}))->capture_default_str()->group("Network");
  }
  std::string title() const { return net; }
  static const char* flags() { return "--net"; }
  program::Sides sides() const {
    if (net == "vgg16-64") return {64, SmallVgg::Input::height};
    return {256, net == "alexnet" ? models::AlexNet<>::Input::height : models::Vgg16<>::Input::height};
  }
  template <class Work>
  void with_net(const program::BackendOptions& backend, const dn::Fill& fill, dn::Seed seed, Work work) const {
    backend.with([&]<class Backend>(std::type_identity<Backend>) {
      const auto run = [&]<class Model>(Model) {
        dn::Network<typename Model::Spec, typename Model::Input, Backend> network(Model::spec(), fill, seed);
        work(network);
      };
      if (net == "alexnet") run(models::AlexNet<>{});
      if (net == "vgg16") run(models::Vgg16<>{});
      if (net == "vgg16-64") run(SmallVgg{});
    });
  }

 private:
  using SmallVgg = models::Vgg16<1000, dn::Image<3, 56, 56>>;
};

/// The command that makes of image files what the others read.
struct Pack {
  std::string from, out = "data/imagenet";
  int size = 256, threads = 0;
  void add_to(CLI::App& app) {
    auto& pack = *app.add_subcommand("pack", "bring JPEG and PNG files to one size and into few files, once, for train and test");
    pack.add_option("--from", from, "folder with train/CLASS/*.JPEG and val/CLASS/*.JPEG; a classes.txt in it, lines of CLASS TAB WORDS, names them")
        ->required()->check(CLI::ExistingDirectory);
    pack.add_option("--out", out, "folder to write: 3 SIZE SIZE bytes an image, 250 GB for all of ImageNet at 256 pixels")->capture_default_str();
    pack.add_option("--size", size, "pixels of a side: the shorter side is brought to it, and of the longer one the middle is kept")
        ->check(CLI::Range(1, 4096).description("1 to 4096"))->capture_default_str();
    pack.add_option("--threads", threads, "0 stands for all that the machine has")->check(CLI::Range(0, 1024).description("0 or more"))->capture_default_str();
    pack.callback([this] { run(); });
  }

 private:
  void run() const {
    using Clock = std::chrono::steady_clock;
    auto begun = Clock::now();
    const bool live = isatty(1);
    program::Interrupt::listen();
    const auto [train, val] = dn::pack_folder(from, out, size, threads, [&](const std::string& part, std::size_t done, std::size_t files) {
      if (program::Interrupt::asked()) throw program::Interrupted();
      if (!live) return;
      const double seconds = std::chrono::duration<double>(Clock::now() - begun).count();
      std::printf("\r%s: %zu of %zu images, %.0f a second, %.0f s left \033[K", part.c_str(), done, files, double(done) / seconds,
                  seconds / double(done) * double(files - done));
      std::fflush(stdout);
      if (done < files) return;
      std::printf("\r\033[K");
      begun = Clock::now();
    });
    for (const auto* part : {&train, &val})
      for (const auto& line : part->left_out) std::cerr << "left out: " << line << '\n';
    std::printf("wrote %s: %zu training and %zu validation images of %dx%d pixels", out.c_str(), train.images, val.images, size, size);
    const std::size_t left_out = train.left_out.size() + val.left_out.size();
    std::printf(left_out ? "; %zu left out\n" : "\n", left_out);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const auto recipe = models::AlexNet<>::recipe();
  Pack pack;
  const program::Task task{
      .name = "imagenet",
      .about = "Trains AlexNet (13 layers) and VGG16 on ImageNet, or on any folders of images, by gradual DropIn of layers, tests them, and uses them.",
      .data_help = "folder that imagenet pack wrote (default: $DROPNET_DATA/imagenet, data/imagenet)",
      .folder = [](const std::string& given) {
        return program::data_folder(given, {"imagenet"}, "make it of image files with imagenet pack, or name a folder with --data");
      },
      .load = [](const std::string& folder) {
        auto packed = dn::load_packed(folder);
        return program::Split{packed.train, packed.test, "", packed.mean};
      },
      .read_classes = dn::packed_classes,
      .scale = recipe.scale,
      .mean_image = recipe.mean_image,
      .fit = dn::Fit::cover,
      .add_commands = [&](CLI::App& app) { pack.add_to(app); }};
  program::TrainOptions options;
  options.filler = options.new_filler = "gaussian:0.01";
  options.policy = "step:0.1:100000";
  options.weight_decay = recipe.sgd.weight_decay;
  options.bias_decay = recipe.sgd.bias_decay;
  options.batch = recipe.batch;
  options.iterations = recipe.iterations;
  options.length = 75000;
  options.test_interval = 5000;
  options.snapshot = 10000;
  options.workers = 2;
  options.pad = 14;
  options.out = "runs/imagenet";
  return program::classify(argc, argv, task, Networks{}, options);
}
