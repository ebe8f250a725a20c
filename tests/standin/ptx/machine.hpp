#pragma once

// A decoded kernel, and the warps and blocks that run it.

#include <algorithm>
#include <bit>
#include <climits>
#include <cstring>
#include <type_traits>

#include "ptx.hpp"

namespace ptx {

struct Warp;
struct Instruction;
/// Does an instruction for the lanes of a mask.
using Run = void (*)(Warp&, const Instruction&, std::uint32_t mask);

inline constexpr std::uint32_t all_lanes = 0xffffffff;
/// Shared memory begins behind what the system keeps of it, so that no address of it is 0.
inline constexpr std::uint32_t shared_begin = 1024;

/// 32 values in a warp's registers, or of one number; of predicates, an index.
struct Operand {
  std::uint32_t at = 0;  ///< bytes
  bool number = false;
};

struct Instruction {
  enum Kind { plain, branch, barrier, exit } kind = plain;
  Run run = nullptr;
  int guard = -1;  ///< a predicate
  bool unless = false;
  int values = 1, bytes = 4;  ///< of memory
  Operand to[4], from[10];
  std::int64_t offset = 0;  ///< of an address
  int target = -1;
  std::string text;
};

constexpr std::size_t rounded_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

struct Kernel {
  std::string name;
  std::vector<Instruction> code;
  std::vector<std::size_t> parameters, sizes;  ///< begin and bytes of each
  std::size_t static_shared = 0, registers = 0, predicates = 0;  ///< bytes, bytes of a warp's, number
  unsigned most_threads = 1024;
  std::vector<std::uint64_t> numbers;
  std::size_t dynamic_shared() const { return rounded_up(static_shared, 16); }  ///< where it begins
};

/// Four bytes of shared memory.
struct Shadow {
  std::uint32_t written = 0, read = 0;  ///< before which barrier, 0: never
  int writer = 0, reader = 0;           ///< threads; a reader of -1: several
  bool flying = false;                  ///< a copy to it is not there yet
};

struct Block {
  const Kernel& kernel;
  const Launch& launch;
  std::uint32_t number;  ///< of the launch
  std::vector<char> shared{};
  std::vector<Shadow> shadow{};
  std::uint32_t id = 0, interval = 1;  ///< interval: between barriers
};

struct Warp {
  Block* of;
  unsigned first;  ///< thread
  std::vector<std::uint64_t> registers;
  std::vector<std::uint32_t> predicates;  ///< a bit for each lane

  /// Lanes that are together. Those at the foremost instruction run, until they come to where others are.
  struct Group {
    int at;
    std::uint32_t lanes;
  } now{0, all_lanes};
  std::vector<Group> others{};
  int meet = INT_MAX;
  std::uint32_t live = all_lanes, waited = 0;  ///< waited: for the kernel before

  struct Copy {
    unsigned lane;
    std::uint32_t group, to, bytes, there;
    std::uint64_t from;
  };
  std::vector<Copy> copies{};
  std::uint32_t groups[32] = {};  ///< of copies, committed by each lane
  Allocation last{};

  template <class T>
  T* to(const Operand& o) {
    return reinterpret_cast<T*>(reinterpret_cast<char*>(registers.data()) + o.at);
  }
  template <class T>
  const T* from(const Operand& o) const {
    return reinterpret_cast<const T*>(reinterpret_cast<const char*>((o.number ? of->kernel.numbers : registers).data()) + o.at);
  }
  std::uint32_t predicate(const Operand& o) const { return o.number ? (*from<std::uint64_t>(o) ? all_lanes : 0) : predicates[o.at]; }
  void set(const Operand& o, std::uint32_t mask, std::uint32_t value) {
    std::uint32_t& p = predicates[o.at];
    p = (p & ~mask) | (value & mask);
  }
  [[noreturn]] void fail(const Instruction& i, unsigned lane, const std::string& what) const {
    throw Fault("ptx: " + of->kernel.name + ", block " + std::to_string(of->id) + ", thread " + std::to_string(first + lane) + ", at " + i.text + ": " + what);
  }
};

/// f(lane) for each lane of the mask.
template <class F>
void each_lane(std::uint32_t mask, const F& f) {
  if (mask == all_lanes)
    for (unsigned l = 0; l < 32; ++l) f(l);
  else
    for (; mask; mask &= mask - 1) f(unsigned(std::countr_zero(mask)));
}

/// A statement, "op.op.op a, b, c", and the names that it may use.
struct Statement {
  std::vector<std::string> op, arguments;
  const std::string& type() const { return op.back(); }
};
struct Names {
  Kernel kernel;
  struct Register {
    std::uint32_t at;
    int bytes;  ///< 0: a predicate
  };
  std::map<std::string, Register, std::less<>> registers;
  std::map<std::string, std::uint64_t, std::less<>> addresses;  ///< of parameters and shared memory
  std::map<std::pair<std::uint64_t, int>, std::uint32_t> numbers;

  void declare(const std::string& name, int bytes);
  /// A register or a number of so many bytes, 0: a predicate.
  Operand operand(const std::string& s, int bytes);
  /// Of "[address+offset]" the address.
  Operand address(const std::string& s, int bytes, std::int64_t& offset);
  int bytes(const std::string& s, int otherwise) const;
};
/// What is between commas, or of "{a, b}" within.
std::vector<std::string> list(std::string_view s, char by = ',');
/// Of a type's registers: 4 for what is smaller, 0 for predicates.
int register_bytes(std::string_view type);

/// How an instruction is run, null if that is not known; its operands go into `i`.
Run memory(const Statement& s, Names& names, Instruction& i);
Run arithmetic(const Statement& s, Names& names, Instruction& i);

/// f(T{}) of a type by its name; null of none.
template <class F>
Run with_type(std::string_view type, const F& f) {
  if (type == "s32") return f(std::int32_t{});
  if (type == "u32" || type == "b32") return f(std::uint32_t{});
  if (type == "s64") return f(std::int64_t{});
  if (type == "u64" || type == "b64") return f(std::uint64_t{});
  if (type == "f32") return f(float{});
  if (type == "f64") return f(double{});
  return nullptr;
}

}  // namespace ptx
