#pragma once

// Stand-ins for the CUDA runtime, cuDNN and cuBLAS on the host: as much of them as dropnet uses, plain loops beneath.
// With them the CUDA backend, its kernels' bodies included, runs in tests without a GPU. They are strict where a GPU is:
// work waits until its stream is waited for, memory begins as garbage, and what a recording stream forbids fails.

#include <cuda_runtime_api.h>

#include <cstddef>
#include <functional>
#include <utility>

namespace standin {

/// What tests turn to make things go wrong, and what they count.
struct Machine {
  int devices = 1;
  int driver = CUDART_VERSION;
  int capability = 9;  ///< its major number
  std::size_t memory = std::size_t(4) << 30;
  std::size_t used = 0;
  int graphs = 0;    ///< recorded
  int launches = 0;  ///< of recorded graphs
  int waits = 0;     ///< for a stream
  int idle = 0;      ///< those that left the device without work
  int refuse_plans = 0;  ///< bits of cuDNN's operations (1 forward with bias, 2 adding gradients) that have no plan
};
Machine& machine();

/// Does the work in the stream's order, or records it.
void submit(cudaStream_t stream, std::function<void()> work);

/// Begin and size of the device memory that p points into; null and 0 where there is none.
std::pair<char*, std::size_t> allocation(const void* p);

}  // namespace standin
