#pragma once

#include <cuda_runtime_api.h>

#include "dropnet/cuda/check.hpp"

namespace dropnet::cuda {

/// Work that the device does in the order in which it was queued, beside that of other streams.
struct Stream {
  cudaStream_t raw = nullptr;
  Stream() { check(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking), "cudaStreamCreateWithFlags"); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream() { cudaStreamDestroy(raw); }
};

/// A place in a stream's work, for which another stream may wait.
struct Mark {
  cudaEvent_t raw = nullptr;
  Mark() { check(cudaEventCreateWithFlags(&raw, cudaEventDisableTiming), "cudaEventCreateWithFlags"); }
  Mark(const Mark&) = delete;
  Mark& operator=(const Mark&) = delete;
  ~Mark() { cudaEventDestroy(raw); }

  /// Behind what is queued on `stream`.
  void set(cudaStream_t stream) const { check(cudaEventRecord(raw, stream), "cudaEventRecord"); }
  /// What is queued on `stream` from now on waits for it, if it has been set.
  void hold(cudaStream_t stream) const { check(cudaStreamWaitEvent(stream, raw, 0), "cudaStreamWaitEvent"); }
};

}  // namespace dropnet::cuda
