#include <thread>

#include "../support/check.hpp"

using namespace dropnet;
using In = Image<1, 6, 6>;
using Spec = Sequential<Conv<3, 3>, MaxPool<2>, Linear<4>>;

TEST_CASE("bad sizes are refused in words") {
  const Network<Spec, In> net;
  CHECK_THROWS_WITH_AS(Workspace(net, 0), doctest::Contains("the batch is 0"), Error);
  Workspace ws(net, 2);
  CHECK_THROWS_WITH_AS(ws.load(std::vector<float>(35)), doctest::Contains("whole samples of 36"), Error);
  CHECK_THROWS_WITH_AS(ws.load(std::vector<float>(36 * 3)), doctest::Contains("1 to 2"), Error);
  ws.load(std::vector<float>(36));
  CHECK_THROWS_WITH_AS(ws.load_labels(std::vector<int>{1, 2}), doctest::Contains("2 labels for a batch of 1"), Error);
  CHECK_THROWS_WITH_AS(ws.load_labels(std::vector<int>{4}), doctest::Contains("4 outputs"), Error);
  CHECK_THROWS_WITH_AS((Tensor<In>(2, std::vector<float>(5))), doctest::Contains("exactly 72"), Error);
  CHECK_THROWS_WITH_AS((Tensor<In>(-1)), doctest::Contains("the batch is -1"), Error);
  CHECK_THROWS_WITH_AS(Cpu(-1), doctest::Contains("-1 threads"), Error);
}

TEST_CASE("a tensor's memory is Eigen's without a copy") {
  Tensor<Image<2, 1, 3>> t(2, std::vector<float>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  auto m = eigen(t);
  CHECK(m.rows() == 2);
  CHECK(m.cols() == 6);
  CHECK(m(1, 3) == t(1, 1, 0, 0));
  CHECK(m.data() == t.data());
  m(0, 5) = -1;
  CHECK(t(0, 1, 0, 2) == -1);
  const auto& constant = t;
  CHECK(eigen(constant).sum() == doctest::Approx(71));
}

TEST_CASE("a batch's outputs do not depend on what else is in the batch or was in the workspace") {
  const Network<Spec, In> net;
  const auto x = test::random_values<float>(5 * In::size, 1);
  Workspace ws(net, 5);
  const auto all = net.predict(Tensor<In>(5, x), ws);
  for (int n = 0; n < 5; ++n) {
    const auto one = net.predict(Tensor<In>(1, std::span(x).subspan(std::size_t(n) * In::size, In::size)), ws);
    for (std::size_t i = 0; i < 4; ++i) CHECK(one.sample(0)[i] == doctest::Approx(all.sample(n)[i]).epsilon(1e-5));
  }
}

TEST_CASE("predict from many threads on one const network") {
  const Network<Spec, In> net;
  const Tensor<In> x(7, test::random_values<float>(7 * In::size, 1));
  const auto expected = net.predict(x);
  std::vector<std::thread> threads;
  std::vector<int> same(8);
  for (std::size_t k = 0; k < 8; ++k)
    threads.emplace_back([&, k] {
      for (int i = 0; i < 20; ++i) {
        const auto y = net.predict(x);
        same[k] += std::equal(y.values().begin(), y.values().end(), expected.values().begin());
      }
    });
  for (auto& t : threads) t.join();
  CHECK(same == std::vector<int>(8, 20));
}
