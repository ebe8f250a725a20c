// DropIn's laws, bit for bit.

#include "../support/check.hpp"

using namespace dropnet;

namespace {

using In = Image<2, 8, 7>;
using First = Conv<3, 3, Pad<1>>;
using New = Sequential<Conv<3, 3, Pad<1>>, ReLU>;

template <int N>
using Grown3 = Sequential<DropInStack<First, New, N>, MaxPool<2>, Linear<4>>;
using Nested = Sequential<DropIn<DropIn<DropIn<First, New>, New>, New>, MaxPool<2>, Linear<4>>;
const Fill fill{.layers = Xavier{}, .added = Gaussian{0.2f}, .bias = Constant{0.1f}};

/// All that training for some iterations leaves behind: outputs and weights.
template <class Spec>
std::pair<std::vector<float>, std::vector<std::vector<float>>> trained(Spec spec, const Growth& growth, int threads = 1, Sgd sgd = {.momentum = 0.9f, .weight_decay = 0.01f}) {
  Network<Spec, In> net(spec, fill, Seed{3});
  Trainer trainer{net, sgd, Fixed{0.05f}, growth, Seed{4}};
  const auto pixels = test::random_values<float>(50 * In::size, 1);
  std::vector<int> labels(50);
  for (std::size_t i = 0; i < 50; ++i) labels[i] = int(i % 4);
  const auto data = Dataset::floats(In{}, pixels, labels);
  trainer.fit(data, {.batch = 9, .iterations = 12}, Cpu(threads, 0));
  std::vector<std::vector<float>> weights;
  for (const auto& t : net.architecture().tensors) weights.push_back(net.read(t));
  return {test::outputs(net), weights};
}

}  // namespace

TEST_CASE("p = 0 is the shallow network") {
  Network<Grown3<3>, In> net(fill, Seed{1});
  const auto small = shallow(net);
  static_assert(std::is_same_v<std::remove_const_t<decltype(small)>, Network<Sequential<First, MaxPool<2>, Linear<4>>, In>>);
  for (Share& s : net.shares()) s.p = 0;
  CHECK(test::outputs(net) == test::outputs(small));
  CHECK(test::outputs(net) != test::outputs(plain(net)));
}

TEST_CASE("p = 1 is the plain network, and a grown one collapses to it") {
  Network<Grown3<3>, In> net(fill, Seed{1});
  const auto deep = plain(net);
  static_assert(std::is_same_v<std::remove_const_t<decltype(deep)>, Network<Sequential<Sequential<First, Repeat<New, 3>>, MaxPool<2>, Linear<4>>, In>>);
  CHECK(test::outputs(net) == test::outputs(deep));
  CHECK(test::outputs(collapsed(net)) == test::outputs(net));
  net.shares()[1].p = 0.5;
  CHECK_THROWS_WITH_AS(collapsed(net), doctest::Contains("site 1 is at p = 0.5"), Error);
}

TEST_CASE("transforms of DropIn, nested sites, Identity and Resize") {
  Network<Nested, In> nested(fill, Seed{1});
  CHECK(test::outputs(plain(nested)) == test::outputs(nested));
  static_assert(std::is_same_v<Shallow<DropIn<First, DropIn<First, New>>, In>, First>);
  static_assert(std::is_same_v<Plain<DropIn<First, DropIn<Conv<3, 1>, New>>, In>, Sequential<First, Sequential<Conv<3, 1>, New>>>);
  static_assert(std::is_same_v<Shallow<DropIn<Identity, New>, In>, Identity>);
  static_assert(std::is_same_v<Plain<DropIn<Identity, New>, In>, New>);
  static_assert(std::is_same_v<Shallow<DropIn<First, Conv<5, 2>, Resize<>>, In>, Sequential<First, Resize<5, 7, 6>>>);

  Network<DropIn<First, Conv<5, 2>, Resize<>>, In> resized(fill, Seed{2});
  CHECK(test::outputs(plain(resized)) == test::outputs(resized));
  resized.shares()[0].p = 0;
  CHECK(test::outputs(shallow(resized)) == test::outputs(resized));

  const Network<Grown3<Dynamic>, In> dynamic(Grown3<Dynamic>{{.count = 3}, {}, {}}, fill, Seed{1});
  CHECK(test::outputs(plain(dynamic)) == test::outputs(dynamic));
}

TEST_CASE("training: stack, nested and Dynamic are the same") {
  for (const Growth& growth : {Growth(Grown{}), Growth(Gradual{.start = 2, .length = 8}), Growth(Gradual{.start = 0, .length = 9, .mask = Mask::bernoulli}),
                               Growth(Staggered{.start = 1, .length = 4, .gap = 3}), Growth(Regularizing{0.5})}) {
    CAPTURE(growth.index());
    const auto stack = trained(Grown3<3>{}, growth);
    CHECK(stack == trained(Nested{}, growth));
    CHECK(stack == trained(Grown3<Dynamic>{{.count = 3}, {}, {}}, growth));
  }
}

TEST_CASE("training: p = 0 throughout trains the shallow network and leaves the rest alone") {
  const Growth never = Gradual{.start = 1000, .length = 10};
  const auto [outputs, weights] = trained(Grown3<3>{}, never);
  Network<Grown3<3>, In> before(fill, Seed{3});
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const auto& t = before.architecture().tensors[k];
    CHECK((weights[k] == before.read(t)) == (t.site >= 0));  // not even decayed
  }
}

TEST_CASE("training: the same bytes on 1, 2 and 3 threads, with clipping too") {
  for (float clip : {0.0f, 0.5f}) {
    const Sgd sgd{.momentum = 0.9f, .weight_decay = 0.01f, .clip = clip};
    const auto one = trained(Grown3<2>{}, Gradual{.start = 0, .length = 8, .mask = Mask::bernoulli}, 1, sgd);
    CHECK(one == trained(Grown3<2>{}, Gradual{.start = 0, .length = 8, .mask = Mask::bernoulli}, 2, sgd));
    CHECK(one == trained(Grown3<2>{}, Gradual{.start = 0, .length = 8, .mask = Mask::bernoulli}, 3, sgd));
  }
}

TEST_CASE("Sequential is associative") {
  using A = Conv<3, 3>;
  using B = ReLU;
  using C = Linear<4>;
  Network<Sequential<A, B, C>, In> flat(fill, Seed{1});
  Network<Sequential<Sequential<A, B>, C>, In> left(fill, Seed{1});
  Network<Sequential<A, Sequential<B, C>>, In> right(fill, Seed{1});
  CHECK(test::outputs(flat) == test::outputs(left));
  CHECK(test::outputs(flat) == test::outputs(right));
}

TEST_CASE("Repeat: fixed and Dynamic, none and many") {
  using Same = Conv<2, 3, Pad<1>>;
  Network<Repeat<Same, 3>, In> fixed(fill, Seed{1});
  Network<Sequential<Same, Same, Same>, In> written(fill, Seed{1});
  Network<Repeat<Same, Dynamic>, In> dynamic(Repeat<Same, Dynamic>{.count = 3}, fill, Seed{1});
  CHECK(test::outputs(fixed) == test::outputs(written));
  CHECK(test::outputs(fixed) == test::outputs(dynamic));
  test::check<In>(Repeat<Same, 3>{}, {}, 2);
  test::check<In>(Repeat<Same, Dynamic>{.count = 0}, {}, 2);
  CHECK_THROWS_WITH_AS((Network<Repeat<Same, Dynamic>, In>()), doctest::Contains("was not given"), Error);
  CHECK_THROWS_WITH_AS((Network<DropInStack<First, New, Dynamic>, In>()), doctest::Contains("was not given"), Error);
  CHECK(Network<DropInStack<First, New, Dynamic>, In>(DropInStack<First, New, Dynamic>{.count = 0}).shares().empty());
}
