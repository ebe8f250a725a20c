// Launches of kernels that nvcc compiled: its objects register their PTX here when the program starts.

#include <cuda_runtime_api.h>

#include <cstring>
#include <map>
#include <string>

#include "ptx/ptx.hpp"
#include "standin.hpp"

namespace {

struct Function {
  std::shared_ptr<const ptx::Kernel> kernel;
  std::size_t most_shared = 48 * 1024;  ///< bytes, unless the program asks for more
};
/// By the address that stands for a kernel on the host. In a function, for it is used before main.
std::map<const void*, Function>& functions() {
  static std::map<const void*, Function> all;
  return all;
}

std::map<const void*, std::vector<ptx::Touched>> touched;
ptx::Allocation find(const void* p) {
  const auto [begin, size] = standin::allocation(p);
  if (!begin) return {};
  auto& values = touched[begin];
  values.resize((size + 3) / 4);
  return {begin, begin + size, values.data()};
}

/// What nvcc's objects hand over, as far as it is used: a header of 16 bytes, whose second half is the size behind it.
struct Fatbin {
  int magic, version;
  const char* data;
};

}  // namespace

extern "C" {

void** __cudaRegisterFatBinary(void* fatbin) {
  const char* const data = static_cast<const Fatbin*>(fatbin)->data;
  std::uint64_t size = 0;
  std::memcpy(&size, data + 8, sizeof size);
  const std::string_view all(data, 16 + size);
  const auto begin = all.rfind("\n.version ");
  if (begin == all.npos) throw ptx::Fault("ptx: the kernels are to be compiled with their PTX, not compressed");
  return reinterpret_cast<void**>(new ptx::Module(ptx::parse(all.substr(begin, all.find('\0', begin) - begin))));
}
void __cudaRegisterFatBinaryEnd(void**) {}
void __cudaUnregisterFatBinary(void** module) { delete reinterpret_cast<ptx::Module*>(module); }
void __cudaRegisterFunction(void** module, const char* host, char*, const char* name, int, void*, void*, void*, void*, int*) {
  functions()[host].kernel = reinterpret_cast<ptx::Module*>(module)->at(name);
}

cudaError_t cudaFuncSetAttribute(const void* host, cudaFuncAttribute, int bytes) {
  if (bytes > 227 * 1024) return cudaErrorInvalidValue;
  functions().at(host).most_shared = std::size_t(unsigned(bytes));
  return cudaSuccess;
}
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t* config, const void* host, void** arguments) {
  const Function& f = functions().at(host);
  const unsigned threads = config->blockDim.x;
  if (config->dynamicSmemBytes > f.most_shared || threads > ptx::most_threads(*f.kernel) || threads % 32 || config->gridDim.x == 0) return cudaErrorInvalidValue;
  standin::submit(config->stream, [kernel = f.kernel, launch = ptx::Launch{config->gridDim.x, threads, config->dynamicSmemBytes, ptx::parameters(*f.kernel, arguments), find}] {
    ptx::run(*kernel, launch);
  });
  return cudaSuccess;
}

// The <<<>>> of nvcc's own stubs, which the kernels do not use.
cudaError_t __cudaGetKernel(cudaKernel_t*, const void*) { return cudaErrorNotSupported; }
cudaError_t __cudaLaunchKernel(cudaKernel_t, dim3, dim3, void**, size_t, cudaStream_t) { return cudaErrorNotSupported; }
unsigned __cudaPopCallConfiguration(dim3*, dim3*, size_t*, void*) { return cudaErrorNotSupported; }

}  // extern "C"
