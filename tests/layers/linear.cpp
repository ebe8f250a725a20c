#include "../support/check.hpp"

using namespace dropnet;

TEST_CASE("linear") {
  test::check<Image<3, 2, 5>>(Linear<7>{});
  test::check<Image<1, 1, 1>>(Linear<1>{});
}
TEST_CASE("linear: more outputs and samples than a block") { test::check<Image<5, 1, 1>>(Linear<300>{}, {}, 40); }
