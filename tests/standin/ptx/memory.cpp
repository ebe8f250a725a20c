// Loads, stores and asynchronous copies, and who may touch what.

#include "machine.hpp"

namespace ptx {

namespace {

enum class Space { parameter, shared, global };

std::string_view done(bool write) { return write ? "written" : "read"; }

/// Global memory, after a look at who else touches it in this launch.
char* global(Warp& w, const Instruction& i, unsigned lane, std::uint64_t address, unsigned bytes, bool write) {
  char* const p = reinterpret_cast<char*>(address);
  if (!(w.waited >> lane & 1)) w.fail(i, lane, "global memory is touched before the kernel ahead is waited for");
  if (address % bytes) w.fail(i, lane, "an address is no multiple of " + std::to_string(bytes));
  const auto outside = [&] { return !w.last.begin || p < w.last.begin || p + bytes > w.last.end; };
  if (outside()) w.last = w.of->launch.find(p);
  if (outside()) w.fail(i, lane, std::string(done(write)) + " outside of what is allocated");
  if (bytes < 4) return p;
  const Block& b = *w.of;
  const Touched::By me{b.number, b.id, std::uint16_t(w.first + lane), std::uint16_t(b.interval)};
  constexpr std::uint16_t several = 0xffff;
  const auto unordered = [&](const Touched::By& other) {
    return other.launch == me.launch && (other.block != me.block || (other.interval == me.interval && other.thread != me.thread));
  };
  Touched* const t = w.last.touched + (p - w.last.begin) / 4;
  for (unsigned k = 0; k < bytes / 4; ++k) {
    if (unordered(t[k].written)) w.fail(i, lane, std::string(done(write)) + " while block " + std::to_string(t[k].written.block) + ", thread " + std::to_string(t[k].written.thread) + " writes it");
    if (write && unordered(t[k].read)) w.fail(i, lane, "written while block " + std::to_string(t[k].read.block) + " reads it");
    if (write) {
      t[k].written = me;
    } else {
      Touched::By by = me;
      if (unordered(t[k].read)) by = {me.launch, t[k].read.block == me.block ? me.block : ~0u, several, me.interval};
      t[k].read = by;
    }
  }
  return p;
}

enum class Flight { none, begins, ends };

/// Shared memory, after a look at who else touches it before the next barrier.
char* shared(Warp& w, const Instruction& i, unsigned lane, std::uint64_t address, unsigned bytes, bool write, Flight flight = Flight::none) {
  Block& b = *w.of;
  if (address < shared_begin || address + bytes > shared_begin + b.shared.size()) w.fail(i, lane, "shared memory ends before");
  if (address % bytes) w.fail(i, lane, "an address is no multiple of " + std::to_string(bytes));
  const int thread = int(w.first + lane);
  for (std::uint64_t k = (address - shared_begin) / 4; k < (address - shared_begin + bytes + 3) / 4; ++k) {
    Shadow& s = b.shadow[k];
    if (s.flying && flight != Flight::ends) w.fail(i, lane, "a copy to shared memory is not there yet");
    if (s.written == b.interval && s.writer != thread) w.fail(i, lane, std::string(done(write)) + " while thread " + std::to_string(s.writer) + " writes it");
    if (write) {
      if (s.read == b.interval && s.reader != thread) w.fail(i, lane, "written while another thread reads it");
      s.writer = thread;
      s.written = b.interval;
      s.flying = flight == Flight::begins;
    } else {
      if (s.written == 0) w.fail(i, lane, "shared memory that nobody wrote");
      s.reader = s.read == b.interval && s.reader != thread ? -1 : thread;
      s.read = b.interval;
    }
  }
  return b.shared.data() + (address - shared_begin);
}

template <Space At>
char* place(Warp& w, const Instruction& i, unsigned lane, std::uint64_t address, bool write) {
  const auto bytes = unsigned(i.values * i.bytes);
  if constexpr (At == Space::global) return global(w, i, lane, address, bytes, write);
  if constexpr (At == Space::shared) return shared(w, i, lane, address, bytes, write);
  const std::vector<char>& parameters = w.of->launch.parameters;  // which are read only
  if (address + bytes > parameters.size()) w.fail(i, lane, "the parameters end before");
  return const_cast<char*>(parameters.data()) + address;
}

/// A: an address; T: in memory; R: in a register, which may be wider.
template <Space At, class A, class T, class R>
void load(Warp& w, const Instruction& i, std::uint32_t mask) {
  const A* const address = w.from<A>(i.from[0]);
  each_lane(mask, [&](unsigned l) {
    T values[4];
    std::memcpy(values, place<At>(w, i, l, std::uint64_t(address[l] + A(i.offset)), false), sizeof(T) * unsigned(i.values));
    for (int k = 0; k < i.values; ++k) w.to<R>(i.to[k])[l] = R(values[k]);
  });
}
template <Space At, class A, class T, class R>
void store(Warp& w, const Instruction& i, std::uint32_t mask) {
  const A* const address = w.from<A>(i.from[0]);
  each_lane(mask, [&](unsigned l) {
    T values[4];
    for (int k = 0; k < i.values; ++k) values[k] = T(w.from<R>(i.from[1 + k])[l]);
    std::memcpy(place<At>(w, i, l, std::uint64_t(address[l] + A(i.offset)), true), values, sizeof(T) * unsigned(i.values));
  });
}

void copy_async(Warp& w, const Instruction& i, std::uint32_t mask) {
  const auto *const to = w.from<std::uint32_t>(i.from[0]), *const bytes = w.from<std::uint32_t>(i.from[2]), *const there = w.from<std::uint32_t>(i.from[3]);
  const auto* const from = w.from<std::uint64_t>(i.from[1]);
  each_lane(mask, [&](unsigned l) {
    const std::uint32_t at = to[l] + std::uint32_t(i.offset);
    if (there[l]) global(w, i, l, from[l], bytes[l], false);
    std::memset(shared(w, i, l, at, bytes[l], true, Flight::begins), 0xff, bytes[l]);
    w.copies.push_back({l, w.groups[l], at, bytes[l], there[l], from[l]});
  });
}
void commit(Warp& w, const Instruction&, std::uint32_t mask) {
  each_lane(mask, [&](unsigned l) { ++w.groups[l]; });
}
/// Until only the last so many groups are on their way. What is copied is read as late as that, and is written then.
void wait_copies(Warp& w, const Instruction& i, std::uint32_t mask) {
  const std::uint32_t but = *w.from<std::uint32_t>(i.from[0]);
  std::erase_if(w.copies, [&](const Warp::Copy& c) {
    if (!(mask >> c.lane & 1) || c.group + but >= w.groups[c.lane]) return false;
    char* const to = shared(w, i, c.lane, c.to, c.bytes, true, Flight::ends);
    std::memset(to, 0, c.bytes);
    if (c.there) std::memcpy(to, global(w, i, c.lane, c.from, c.there, false), c.there);
    return true;
  });
}
void wait_kernel(Warp& w, const Instruction&, std::uint32_t mask) { w.waited |= mask; }

template <class T>
using register_of = std::conditional_t<std::is_same_v<T, float> || sizeof(T) == 8, T, std::uint32_t>;

template <bool Load, Space At, class A>
Run access(const std::string& type, bool wide) {
  const auto of = [&](auto t) -> Run {
    using T = decltype(t);
    if constexpr (std::is_integral_v<T>) {
      using R = std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>;
      if (wide) return Load ? load<At, A, T, R> : store<At, A, T, R>;
    }
    return Load ? load<At, A, T, register_of<T>> : store<At, A, T, register_of<T>>;
  };
  if (type == "u8" || type == "b8") return of(std::uint8_t{});
  if (type == "u16" || type == "b16") return of(std::uint16_t{});
  return with_type(type, of);
}

/// "ld.global.v2.f32 {a, b}, [p+8]" and "st.shared.f32 [p], a".
template <bool Load>
Run access(const Statement& s, Names& names, Instruction& i) {
  const std::string &space = s.op[1], &type = s.type();
  i.values = s.op[2].starts_with('v') ? s.op[2][1] - '0' : 1;
  i.bytes = type.ends_with("8") ? 1 : type.ends_with("16") ? 2 : register_bytes(type);
  const auto values = list(s.arguments.at(Load ? 0 : 1));
  const int bytes = names.bytes(values[0], register_bytes(type));
  for (std::size_t k = 0; k < values.size(); ++k) (Load ? i.to[k] : i.from[1 + k]) = names.operand(values[k], bytes);
  i.from[0] = names.address(s.arguments.at(Load ? 1 : 0), space == "shared" ? 4 : 8, i.offset);
  const bool wide = bytes == 8 && i.bytes < 8;
  if (space == "shared") return access<Load, Space::shared, std::uint32_t>(type, wide);
  if (space == "global") return access<Load, Space::global, std::uint64_t>(type, wide);
  if (space == "param" && Load) return access<Load, Space::parameter, std::uint64_t>(type, wide);
  return nullptr;
}

}  // namespace

Run memory(const Statement& s, Names& names, Instruction& i) {
  if (s.op[0] == "ld") return access<true>(s, names, i);
  if (s.op[0] == "st") return access<false>(s, names, i);
  if (s.op[0] == "griddepcontrol") return s.op[1] == "wait" ? wait_kernel : [](Warp&, const Instruction&, std::uint32_t) {};
  if (s.op[0] != "cp" || s.op.at(1) != "async") return nullptr;
  if (s.op.at(2) == "commit_group") return commit;
  if (s.op[2] == "wait_group") return i.from[0] = names.operand(s.arguments.at(0), 4), wait_copies;
  std::int64_t none = 0;
  i.from[0] = names.address(s.arguments.at(0), 4, i.offset);
  i.from[1] = names.address(s.arguments.at(1), 8, none);
  for (std::size_t k = 2; k < 4; ++k) i.from[k] = names.operand(s.arguments.at(k), 4);
  return none == 0 ? copy_async : nullptr;
}

}  // namespace ptx
