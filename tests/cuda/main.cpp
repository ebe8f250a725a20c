// Without a GPU these tests are skipped, visibly.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <dropnet/cuda/check.hpp>

int main(int argc, char** argv) {
  try {
    dropnet::cuda::require_device();
  } catch (const dropnet::Error& e) {
    std::printf("skipped: %s\n", e.what());
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
