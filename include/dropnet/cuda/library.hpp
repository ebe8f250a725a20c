#pragma once

#include <cublas_v2.h>
#include <cudnn.h>
#include <dlfcn.h>

#include <string>

#include "dropnet/core/error.hpp"

namespace dropnet::cuda {

/// A shared library that is opened when it is first needed: a program with the CUDA backend also starts where there is
/// none, and says in a line of its own what is missing.
class Library {
 public:
  /// Tries `path`, where the build found it, then `name` where the system looks. Throws Error if neither is there.
  Library(const std::string& path, const std::string& name) {
    if (!path.empty()) handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle_) handle_ = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle_) throw Error("dropnet: Cuda: " + name + " is not there or does not load (" + dlerror() + "); install it, add its folder to LD_LIBRARY_PATH, or use the CPU");
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { dlclose(handle_); }

  template <class Function>
  void find(const char* symbol, Function*& to) const {
    to = reinterpret_cast<Function*>(dlsym(handle_, symbol));
    if (!to) throw Error(std::string("dropnet: Cuda: a library lacks ") + symbol + "; install cuDNN 9.8 and CUDA 12 or newer");
  }

 private:
  void* handle_ = nullptr;
};

#ifndef DROPNET_CUDNN_LIBRARY
#define DROPNET_CUDNN_LIBRARY ""
#endif
#ifndef DROPNET_CUBLAS_LIBRARY
#define DROPNET_CUBLAS_LIBRARY ""
#endif

/// cuDNN's functions that are used here, and its descriptors' alone.
struct Cudnn {
  Library library{DROPNET_CUDNN_LIBRARY, "libcudnn.so.9"};
  decltype(cudnnGetVersion)* version;
  decltype(cudnnGetErrorString)* text;
  decltype(cudnnGetLastErrorString)* last_error;
  decltype(cudnnCreate)* create;
  decltype(cudnnDestroy)* destroy;
  decltype(cudnnSetStream)* set_stream;
  decltype(cudnnBackendCreateDescriptor)* create_descriptor;
  decltype(cudnnBackendDestroyDescriptor)* destroy_descriptor;
  decltype(cudnnBackendSetAttribute)* set_attribute;
  decltype(cudnnBackendGetAttribute)* get_attribute;
  decltype(cudnnBackendFinalize)* finalize;
  decltype(cudnnBackendExecute)* execute;

  Cudnn() {
    library.find("cudnnGetVersion", version);
    library.find("cudnnGetErrorString", text);
    library.find("cudnnGetLastErrorString", last_error);
    library.find("cudnnCreate", create);
    library.find("cudnnDestroy", destroy);
    library.find("cudnnSetStream", set_stream);
    library.find("cudnnBackendCreateDescriptor", create_descriptor);
    library.find("cudnnBackendDestroyDescriptor", destroy_descriptor);
    library.find("cudnnBackendSetAttribute", set_attribute);
    library.find("cudnnBackendGetAttribute", get_attribute);
    library.find("cudnnBackendFinalize", finalize);
    library.find("cudnnBackendExecute", execute);
    if (version() < 90800) throw Error("dropnet: Cuda: cuDNN " + std::to_string(version()) + " is too old; install cuDNN 9.8 or newer");
  }

  /// Throws Error that names the call and what it was for.
  void check(cudnnStatus_t status, const char* call, const std::string& what) const {
    if (status == CUDNN_STATUS_SUCCESS) return;
    char reason[256] = "";
    last_error(reason, sizeof reason);
    throw Error("dropnet: Cuda: " + what + ": " + call + " says " + text(status) + (*reason ? std::string(" (") + reason + ")" : ""));
  }
};

/// cuBLAS's.
struct Cublas {
  Library library{DROPNET_CUBLAS_LIBRARY, "libcublas.so." + std::to_string(CUBLAS_VER_MAJOR)};
  decltype(cublasGetStatusString)* text;
  decltype(cublasCreate_v2)* create;
  decltype(cublasDestroy_v2)* destroy;
  decltype(cublasSetStream_v2)* set_stream;
  decltype(cublasSetWorkspace_v2)* set_workspace;
  decltype(cublasSetMathMode)* set_math_mode;
  decltype(cublasSgemm_v2)* sgemm;

  Cublas() {
    library.find("cublasGetStatusString", text);
    library.find("cublasCreate_v2", create);
    library.find("cublasDestroy_v2", destroy);
    library.find("cublasSetStream_v2", set_stream);
    library.find("cublasSetWorkspace_v2", set_workspace);
    library.find("cublasSetMathMode", set_math_mode);
    library.find("cublasSgemm_v2", sgemm);
  }

  void check(cublasStatus_t status, const char* call, const std::string& what) const {
    if (status != CUBLAS_STATUS_SUCCESS) throw Error("dropnet: Cuda: " + what + ": " + call + " says " + text(status));
  }
};

}  // namespace dropnet::cuda
