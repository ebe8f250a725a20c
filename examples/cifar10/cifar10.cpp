// Trains the CIFAR-10 networks of the paper's section 4.2 and Table 2, shallow, deep, and grown by gradual DropIn.

#include <dropnet/data/cifar10.hpp>
#include <dropnet/models/cifar10.hpp>

#include <fstream>

#include "../common/classifier.hpp"

namespace dn = dropnet;
namespace models = dropnet::models;
using Input = dn::Image<3, 32, 32>;

namespace {

struct Networks {
  std::string net = "cifar10";
  double second_dropout = 0.5;
  float fc_decay = -1;
  void add_to(CLI::App& app) {
    app.add_option("--net", net,
                   "cifar10: Table 2's three convolutions; cifar10-deep: its eleven, one pooling at the end; cifar10-deep-pooled: the "
                   "same with the shallow net's poolings; cifar10-full: three convolutions and three fully connected layers, of which "
                   "the first has dropout and the second is behind a DropIn, to compare regularisers")
        ->check(CLI::IsMember({"cifar10", "cifar10-deep", "cifar10-deep-pooled", "cifar10-full"}))->capture_default_str()->group("Network");
    app.add_option("--second-dropout", second_dropout, "cifar10-full: the dropout ratio behind the second fully connected layer")
        ->check(CLI::Range(0.0, 0.999).description("0 to 0.999"))->capture_default_str()->group("Network");
    app.add_option("--fc-decay", fc_decay, "multiplies the weight decay of the last layer's weights (default: 250 for cifar10, as in Caffe's files; else 1)")
        ->check(CLI::NonNegativeNumber.description("0 or more"))->group("Network");
  }
  std::string title() const { return net; }
  static const char* flags() { return "--net"; }
  static program::Sides sides() { return {Input::height, Input::height}; }
  template <class Work>
  void with_net(const program::BackendOptions& backend, const dn::Fill& fill, dn::Seed seed, Work work) const {
    backend.with([&]<class Backend>(std::type_identity<Backend>) {
      const auto run = [&]<class Spec>(const Spec& spec) {
        dn::Network<Spec, Input, Backend> network(spec, fill, seed);
        work(network);
      };
      const auto last = [&](auto model) { return fc_decay < 0 ? model.spec() : model.spec(fc_decay); };
      if (net == "cifar10") run(last(models::Cifar10<>{}));
      if (net == "cifar10-deep") run(last(models::Cifar10Deep<>{}));
      if (net == "cifar10-deep-pooled") run(last(models::Cifar10DeepPooled<>{}));
      if (net == "cifar10-full") run(models::Cifar10Full<>::spec(second_dropout));
    });
  }
};

/// A list of test images that are not the original's, which some copies of the data set have beside them.
std::string note_of(const std::string& folder) {
  std::ifstream list(folder + "/test_not_exact.txt");
  int count = 0;
  for (std::string number; list >> number;) ++count;
  if (count == 0) return "";
  return "note: " + std::to_string(count) + " of the test images here are not exact copies of CIFAR-10's (test_not_exact.txt): accuracies may be off by " +
         dn::detail::formatted("%.2f", count / 100.0) + " points";
}

}  // namespace

int main(int argc, char** argv) {
  const auto recipe = models::Cifar10<>::recipe();
  const program::Task task{
      .name = "cifar10",
      .about = "Trains the paper's CIFAR-10 networks, with and without gradual DropIn of layers, tests them, and uses them.",
      .data_help = "folder with CIFAR-10's six binary files (default: $DROPNET_DATA/cifar-10-batches-bin, data/cifar-10-batches-bin)",
      .folder = [](const std::string& given) {
        return program::data_folder(given, {"cifar-10-batches-bin"}, "get it with data/fetch cifar10, or name a folder with --data");
      },
      .load = [](const std::string& folder) {
        auto cifar10 = dn::load_cifar10(folder);
        return program::Split{cifar10.train, cifar10.test, note_of(folder)};
      },
      .classes = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
      .scale = recipe.scale,
      .mean_image = recipe.mean_image};
  program::TrainOptions options;
  options.filler = options.new_filler = "gaussian:0.01";
  options.policy = "multistep:0.1:60000,65000";
  options.lr = 0.001f;
  options.weight_decay = recipe.sgd.weight_decay;
  options.batch = recipe.batch;
  options.iterations = recipe.iterations;
  options.length = 8000;
  options.out = "runs/cifar10";
  return program::classify(argc, argv, task, Networks{}, options);
}
