// The paper's networks: shapes and parameter counts, pinned at compile time.

#include <dropnet/models/alexnet.hpp>
#include <dropnet/models/cifar10.hpp>
#include <dropnet/models/lenet.hpp>
#include <dropnet/models/vgg.hpp>

#include "../support/check.hpp"

using namespace dropnet;
using namespace dropnet::models;

namespace {

/// Collects, in a constant expression, the outputs of layers that change the shape.
struct Shapes {
  std::array<std::array<int, 3>, 80> list{};
  std::size_t count = 0;
  template <class In, class Out>
  constexpr void layer(const char*, Extent, In, Out, std::size_t) {
    if constexpr (!std::is_same_v<In, Out>) list[count++] = {Out::channels, Out::height, Out::width};
  }
  constexpr void weight(std::initializer_list<int>, std::size_t, const Parameter&) {}
  constexpr void bias(std::initializer_list<int>, const Parameter&) {}
  constexpr void scale(std::initializer_list<int>, const Parameter&) {}
  constexpr void statistic(const char*, std::initializer_list<int>, const Filler&, double) {}
  constexpr void enter_frozen() {}
  constexpr void leave_frozen() {}
  constexpr void enter_child() {}
  constexpr void leave_child() {}
  template <class Out>
  constexpr void enter_site(Extent, Out) {}
  constexpr void leave_site() {}
  constexpr void partial(int) {}
  constexpr void fork() {}
  constexpr void end_branch() {}
  constexpr void join() {}
  constexpr void require_count(const char*, bool) {}
};

template <class Model>
constexpr Shapes shapes() {
  Shapes s;
  const auto spec = Model::spec();
  spec.visit(s, Extent{}, typename Model::Input{});
  return s;
}
template <class Model>
constexpr bool has(std::initializer_list<std::array<int, 3>> expected) {
  const Shapes s = shapes<Model>();
  if (s.count != expected.size()) return false;
  for (std::size_t i = 0; i < s.count; ++i)
    if (s.list[i] != expected.begin()[i]) return false;
  return true;
}

template <class Model>
constexpr std::size_t parameters = plan(Model::spec(), typename Model::Input{}).parameters;
template <class Model>
constexpr std::size_t shallow_parameters = plan(Shallow<typename Model::Spec, typename Model::Input>{}, typename Model::Input{}).parameters;
template <class Model>
constexpr std::size_t plain_parameters = plan(Plain<typename Model::Spec, typename Model::Input>{}, typename Model::Input{}).parameters;

// LeNet: 20 * 25 + 20, 50 * 20 * 25 + 50, 500 * 800 + 500, 10 * 500 + 10.
static_assert(parameters<LeNet<1>> == 431080);
// Each site of the first stack 20 * 20 * 9 + 20 = 3,620, of the second 50 * 50 * 9 + 50 = 22,550.
static_assert(parameters<LeNet<5>> == 431080 + 4 * (3620 + 22550));
static_assert(shallow_parameters<LeNet<5>> == 431080);
static_assert(has<LeNet<2>>({{20, 24, 24}, {20, 12, 12}, {50, 8, 8}, {50, 4, 4}, {500, 1, 1}, {10, 1, 1}}));

// conv1 32 * 75 + 32 = 2,432, conv2 32 * 800 + 32 = 25,632, conv3 64 * 288 + 64 = 18,496, fc 10 * 1,024 + 10.
static_assert(parameters<Cifar10<>> == 56810);
static_assert(has<Cifar10<>>({{32, 32, 32}, {32, 16, 16}, {32, 8, 8}, {64, 8, 8}, {64, 4, 4}, {10, 1, 1}}));
// 2,432 + 9 * 25,632 + 18,496 = 251,616 in convolutions; fc over 64 x 16 x 16 or, pooled, 64 x 4 x 4.
static_assert(parameters<Cifar10Deep<>> == 251616 + 163850);
static_assert(has<Cifar10Deep<>>({{32, 32, 32}, {64, 32, 32}, {64, 16, 16}, {10, 1, 1}}));
static_assert(parameters<Cifar10DeepPooled<>> == 251616 + 10250);
static_assert(has<Cifar10DeepPooled<>>({{32, 32, 32}, {32, 16, 16}, {32, 8, 8}, {64, 8, 8}, {64, 4, 4}, {10, 1, 1}}));
// Without the five second convolutions.
static_assert(shallow_parameters<Cifar10DeepPooled<>> == 251616 + 10250 - 5 * 25632);

// 2,432 + 25,632 + 18,496; 512 * 1,024 + 512, 512 * 512 + 512, 10 * 512 + 10.
static_assert(parameters<Cifar10Full<>> == 46560 + 524800 + 262656 + 5130);
static_assert(has<Cifar10Full<>>({{32, 32, 32}, {32, 16, 16}, {32, 8, 8}, {64, 8, 8}, {64, 4, 4}, {512, 1, 1}, {10, 1, 1}}));

// Doubled: 96 * 96 * 121 + 96, 256 * 128 * 25 + 256, 384 * 384 * 9 + 384, 384 * 192 * 9 + 384, 256 * 128 * 9 + 256.
static_assert(shallow_parameters<AlexNet<>> == 60965224);
static_assert(parameters<AlexNet<>> == 60965224 + 1115232 + 819456 + 1327488 + 663936 + 295168);
static_assert(has<AlexNet<>>({{96, 55, 55}, {96, 27, 27}, {256, 27, 27}, {256, 13, 13}, {384, 13, 13}, {256, 13, 13}, {256, 6, 6},
                              {4096, 1, 1}, {1000, 1, 1}}));

static_assert(parameters<Vgg16<>> == 138357544);
static_assert(plain_parameters<Vgg16<>> == 138357544);
// Less 36,928, 147,584, 2 * 590,080 and 4 * 2,359,808 of the sites.
static_assert(shallow_parameters<Vgg16<>> == 138357544 - 36928 - 147584 - 2 * 590080 - 4 * 2359808);
static_assert(has<Vgg16<>>({{64, 224, 224}, {64, 112, 112}, {128, 112, 112}, {128, 56, 56}, {256, 56, 56}, {256, 28, 28}, {512, 28, 28}, {512, 14, 14},
                            {512, 7, 7}, {4096, 1, 1}, {1000, 1, 1}}));

// Other sizes and classes.
static_assert(has<Vgg16<30, Image<3, 64, 64>>>({{64, 64, 64}, {64, 32, 32}, {128, 32, 32}, {128, 16, 16}, {256, 16, 16}, {256, 8, 8}, {512, 8, 8},
                                                {512, 4, 4}, {512, 2, 2}, {4096, 1, 1}, {30, 1, 1}}));
static_assert(has<Cifar10<100>>({{32, 32, 32}, {32, 16, 16}, {32, 8, 8}, {64, 8, 8}, {64, 4, 4}, {100, 1, 1}}));

}  // namespace

TEST_CASE("the numbers of Caffe's files are where they belong") {
  const Network<Cifar10<>::Spec, Cifar10<>::Input> net(Cifar10<>::spec(), Cifar10<>::recipe().fill, Seed{1});
  const auto& tensors = net.architecture().tensors;
  const auto deviation = [&](const TensorInfo& t) {
    double sum = 0;
    for (float v : net.read(t)) sum += double(v) * double(v);
    return std::sqrt(sum / double(t.size));
  };
  CHECK(deviation(tensors[0]) == doctest::Approx(0.0001).epsilon(0.05));
  CHECK(deviation(tensors[2]) == doctest::Approx(0.01).epsilon(0.05));
  CHECK(tensors[5].parameter.rate == 0.5f);
  CHECK(tensors[6].parameter.decay == 250);
  CHECK(tensors[7].parameter.decay == 0);
  CHECK(Cifar10DeepPooled<>::spec().tail.tail.tail.tail.tail.tail.tail.tail.tail.tail.tail.head.weight.decay == 1);
  CHECK(rate_at(Cifar10<>::recipe().rate, 60000) == doctest::Approx(1e-4));
  std::string names;
  const Network<Cifar10DeepPooled<>::Spec, Cifar10DeepPooled<>::Input> deep(Cifar10DeepPooled<>::spec());
  for (const LayerInfo& l : deep.architecture().layers)
    if (l.kind == "conv" || l.kind == "fc" || l.kind == "dropin") names += l.name + " ";
  CHECK(names == "conv1_1 conv1_2 dropin1_2 conv2_1 conv2_2 dropin2_2 conv3_1 conv3_2 dropin3_2 conv4_1 conv4_2 dropin4_2 conv5_1 conv5_2 dropin5_2 conv6_1 fc7 ");
}

TEST_CASE("small forms of the paper's networks train through their growth") {
  const auto grown = [](auto model, auto input) {
    using Model = decltype(model);
    using In = decltype(input);
    Network<typename Model::Spec, In> net(Model::spec(), Fill{.layers = Msra{}}, Seed{1});
    const auto pixels = test::random_values<float>(4 * In::size, 1);
    const auto data = Dataset::floats(In{}, pixels, {0, 1, 2, 0});
    Trainer trainer{net, Sgd{.momentum = 0.5f, .clip = 1}, Fixed{0.001f}, Gradual{.start = 1, .length = 2, .mask = Mask::channel}};
    const double before = evaluate(net, data).loss;
    trainer.fit(data, {.batch = 4, .iterations = 4});
    return std::pair(before, evaluate(net, data).loss);
  };
  const auto [a, b] = grown(Cifar10DeepPooled<3, Image<3, 16, 16>>{}, Image<3, 16, 16>{});
  CHECK(std::isfinite(a));
  CHECK(std::isfinite(b));
}
