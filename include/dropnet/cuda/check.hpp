#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "dropnet/core/error.hpp"

namespace dropnet::cuda {

/// Throws Error unless there are a driver that is new enough and a GPU.
inline void require_device() {
  int count = 0, driver = 0;
  const cudaError_t e = cudaGetDeviceCount(&count);
  if (e == cudaSuccess && count > 0) return;
  cudaGetLastError();
  const auto version = [](int v) { return std::to_string(v / 1000) + "." + std::to_string(v % 1000 / 10); };
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
    throw Error("dropnet: Cuda: no NVIDIA driver is there; install it, or use the CPU");
  if (e == cudaErrorInsufficientDriver)
    throw Error("dropnet: Cuda: the NVIDIA driver knows CUDA " + version(driver) + ", this program needs " + version(CUDART_VERSION) +
                "; update the driver, or use the CPU");
  throw Error(std::string("dropnet: Cuda: no usable GPU (") + cudaGetErrorString(e) + "); use the CPU");
}

/// Throws Error that names the call.
inline void check(cudaError_t status, const char* call) {
  if (status == cudaSuccess) return;
  throw Error(std::string("dropnet: Cuda: ") + call + " says " + cudaGetErrorName(status) + " (" + cudaGetErrorString(status) + ")");
}

}  // namespace dropnet::cuda
