#pragma once

// Runs what nvcc makes of the kernels, their PTX, on the host: warp after warp, as the PTX ISA (9.0) says, as much of it as
// dropnet's kernels use. It is stricter than a GPU, and throws Fault, which says where, when
// - two threads touch a value of shared or global memory, one of them writing, with no barrier between them;
// - shared memory is read that nobody wrote, or to which an asynchronous copy is on its way;
// - an address lies outside of what is allocated, or is no multiple of what is read there;
// - threads of a warp are not together where they must be, at a barrier or a matrix product;
// - global memory is touched before the kernel ahead in the stream is waited for (griddepcontrol.wait).

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace ptx {

struct Fault : std::runtime_error {
  using runtime_error::runtime_error;
};

struct Kernel;
using Module = std::map<std::string, std::shared_ptr<const Kernel>, std::less<>>;

/// The kernels of a PTX text by name. Throws Fault at what is not known here.
Module parse(std::string_view text);

/// The values that a launch's arguments point to, as the kernel finds them.
std::vector<char> parameters(const Kernel& kernel, void** arguments);
unsigned most_threads(const Kernel& kernel);

/// Who touched four bytes of global memory last: in which launch (0: none), block, and before which of its barriers.
struct Touched {
  struct By {
    std::uint32_t launch = 0, block = 0;
    std::uint16_t thread = 0, interval = 0;
  } written, read;
};
struct Allocation {
  char *begin = nullptr, *end = nullptr;
  Touched* touched = nullptr;  ///< for each four bytes
};

struct Launch {
  std::uint32_t blocks, threads;
  std::size_t shared;  ///< bytes of dynamic shared memory
  std::vector<char> parameters;
  std::function<Allocation(const void*)> find;  ///< the allocation that a pointer points into; an empty one where there is none
};
void run(const Kernel& kernel, const Launch& launch);

}  // namespace ptx
