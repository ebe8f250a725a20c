// What is computed in registers.

#include <cfenv>
#include <cmath>
#include <limits>

#include "machine.hpp"

namespace ptx {

namespace {

template <class To, class From, auto F>
void unary(Warp& w, const Instruction& i, std::uint32_t mask) {
  To* const d = w.to<To>(i.to[0]);
  const From* const a = w.from<From>(i.from[0]);
  each_lane(mask, [&](unsigned l) { d[l] = To(F(a[l])); });
}
template <class To, class A, class B, auto F>
void binary(Warp& w, const Instruction& i, std::uint32_t mask) {
  To* const d = w.to<To>(i.to[0]);
  const A* const a = w.from<A>(i.from[0]);
  const B* const b = w.from<B>(i.from[1]);
  each_lane(mask, [&](unsigned l) { d[l] = To(F(a[l], b[l])); });
}
template <class T, auto F>
void ternary(Warp& w, const Instruction& i, std::uint32_t mask) {
  T* const d = w.to<T>(i.to[0]);
  const T *const a = w.from<T>(i.from[0]), *const b = w.from<T>(i.from[1]), *const c = w.from<T>(i.from[2]);
  each_lane(mask, [&](unsigned l) { d[l] = T(F(a[l], b[l], c[l])); });
}
template <class T, auto F>
void compare(Warp& w, const Instruction& i, std::uint32_t mask) {
  const T *const a = w.from<T>(i.from[0]), *const b = w.from<T>(i.from[1]);
  std::uint32_t value = 0;
  for (unsigned l = 0; l < 32; ++l) value |= std::uint32_t(F(a[l], b[l])) << l;
  w.set(i.to[0], mask, value);
}
template <class T>
void select(Warp& w, const Instruction& i, std::uint32_t mask) {
  T* const d = w.to<T>(i.to[0]);
  const T *const a = w.from<T>(i.from[0]), *const b = w.from<T>(i.from[1]);
  const std::uint32_t which = w.predicate(i.from[2]);
  each_lane(mask, [&](unsigned l) { d[l] = which >> l & 1 ? a[l] : b[l]; });
}
template <auto F>
void logic(Warp& w, const Instruction& i, std::uint32_t mask) {
  w.set(i.to[0], mask, F(w.predicate(i.from[0]), w.predicate(i.from[1])));
}

/// A field of b, `length` bits from `at` on, is a.
void insert_bits(Warp& w, const Instruction& i, std::uint32_t mask) {
  auto* const d = w.to<std::uint32_t>(i.to[0]);
  const std::uint32_t* in[4];
  for (int k = 0; k < 4; ++k) in[k] = w.from<std::uint32_t>(i.from[k]);
  each_lane(mask, [&](unsigned l) {
    const std::uint32_t at = std::min(in[2][l], 32u), length = std::min(in[3][l], 32u);
    const std::uint64_t field = ((std::uint64_t{1} << length) - 1) << at;
    d[l] = std::uint32_t((in[1][l] & ~field) | (std::uint64_t(in[0][l]) << at & field));
  });
}
void pack(Warp& w, const Instruction& i, std::uint32_t mask) {
  const auto *const low = w.from<std::uint32_t>(i.from[0]), *const high = w.from<std::uint32_t>(i.from[1]);
  each_lane(mask, [&](unsigned l) { w.to<std::uint64_t>(i.to[0])[l] = low[l] | std::uint64_t(high[l]) << 32; });
}
void unpack(Warp& w, const Instruction& i, std::uint32_t mask) {
  each_lane(mask, [&](unsigned l) {
    const std::uint64_t x = w.from<std::uint64_t>(i.from[0])[l];
    w.to<std::uint32_t>(i.to[0])[l] = std::uint32_t(x);
    w.to<std::uint32_t>(i.to[1])[l] = std::uint32_t(x >> 32);
  });
}
template <auto Of, bool AndLane = false>
void special(Warp& w, const Instruction& i, std::uint32_t mask) {
  each_lane(mask, [&](unsigned l) { w.to<std::uint32_t>(i.to[0])[l] = Of(w) + (AndLane ? l : 0); });
}

/// d = a b + c of tiles of 16 x 8 and 8 x 8: a and b are cut to tf32, what is added up is cut to float.
void multiply(Warp& w, const Instruction& i, std::uint32_t mask) {
  if (mask != all_lanes) w.fail(i, 0, "threads of a warp are not together");
  const auto tf32 = [](float x) { return double(std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0xffffe000u)); };
  double a[16][8], b[8][8], c[16][8];
  for (unsigned k = 0; k < 4; ++k) {
    const float *const x = w.from<float>(i.from[k]), *const sum = w.from<float>(i.from[6 + k]);
    for (unsigned l = 0; l < 32; ++l) {
      a[l / 4 + k % 2 * 8][l % 4 + k / 2 * 4] = tf32(x[l]);
      c[l / 4 + k / 2 * 8][l % 4 * 2 + k % 2] = double(sum[l]);
    }
  }
  for (unsigned k = 0; k < 2; ++k)
    for (unsigned l = 0; l < 32; ++l) b[l % 4 + k * 4][l / 4] = tf32(w.from<float>(i.from[4 + k])[l]);
  for (int row = 0; row < 16; ++row)
    for (int term = 0; term < 8; ++term)
      for (int column = 0; column < 8; ++column) c[row][column] += a[row][term] * b[term][column];
  for (unsigned k = 0; k < 4; ++k)
    for (unsigned l = 0; l < 32; ++l) {
      const double x = c[l / 4 + k / 2 * 8][l % 4 * 2 + k % 2];
      const float y = float(x);
      w.to<float>(i.to[k])[l] = std::abs(double(y)) > std::abs(x) ? std::nextafter(y, 0.0f) : y;
    }
}

template <class To>
To to_integer(double x) {
  if (std::isnan(x)) return 0;
  if (x <= double(std::numeric_limits<To>::min())) return std::numeric_limits<To>::min();
  if (x >= double(std::numeric_limits<To>::max())) return std::numeric_limits<To>::max();
  return To(x);
}
float fma_down(float a, float b, float c) {
  std::fesetround(FE_DOWNWARD);
  const volatile float x = a, sum = std::fma(float(x), b, c);  // volatile: not before, not behind
  std::fesetround(FE_TONEAREST);
  return sum;
}

template <class T>
Run integer(const std::string& name) {
  using U = std::make_unsigned_t<T>;  // which wraps
  constexpr T all_ones = T(-1);
  if (name == "add") return binary<U, U, U, [](U a, U b) { return a + b; }>;
  if (name == "sub") return binary<U, U, U, [](U a, U b) { return a - b; }>;
  if (name == "mul") return binary<U, U, U, [](U a, U b) { return a * b; }>;
  if (name == "mad") return ternary<U, [](U a, U b, U c) { return a * b + c; }>;
  if (name == "neg") return unary<U, U, [](U a) { return U(0) - a; }>;
  if (name == "not") return unary<U, U, [](U a) { return ~a; }>;
  if (name == "and") return binary<U, U, U, [](U a, U b) { return a & b; }>;
  if (name == "or") return binary<U, U, U, [](U a, U b) { return a | b; }>;
  if (name == "xor") return binary<U, U, U, [](U a, U b) { return a ^ b; }>;
  if (name == "min") return binary<T, T, T, [](T a, T b) { return std::min(a, b); }>;
  if (name == "max") return binary<T, T, T, [](T a, T b) { return std::max(a, b); }>;
  if (name == "div") return binary<T, T, T, [](T a, T b) { return b == 0 ? all_ones : std::is_signed_v<T> && b == all_ones ? T(U(0) - U(a)) : T(a / b); }>;
  if (name == "rem") return binary<T, T, T, [](T a, T b) { return b == 0 || (std::is_signed_v<T> && b == all_ones) ? T(0) : T(a % b); }>;
  constexpr std::uint32_t bits = sizeof(T) * 8;
  if (name == "shl") return binary<U, U, std::uint32_t, [](U a, std::uint32_t n) { return n >= bits ? U(0) : U(a << n); }>;
  if (name == "shr") return binary<T, T, std::uint32_t, [](T a, std::uint32_t n) { return T(a >> std::min(n, bits - 1) >> (n < bits ? 0 : 1)); }>;
  return nullptr;
}

template <class T>
Run floating(const std::string& name, const std::string& mode) {
  if (name == "add") return binary<T, T, T, [](T a, T b) { return a + b; }>;
  if (name == "sub") return binary<T, T, T, [](T a, T b) { return a - b; }>;
  if (name == "mul") return binary<T, T, T, [](T a, T b) { return a * b; }>;
  if (name == "div") return binary<T, T, T, [](T a, T b) { return a / b; }>;
  if (name == "fma" && mode == "rn") return ternary<T, [](T a, T b, T c) { return std::fma(a, b, c); }>;
  if (name == "fma" && mode == "rm" && std::is_same_v<T, float>) return ternary<float, fma_down>;
  if (name == "neg") return unary<T, T, [](T a) { return -a; }>;
  if (name == "abs") return unary<T, T, [](T a) { return std::abs(a); }>;
  if (name == "sqrt") return unary<T, T, [](T a) { return std::sqrt(a); }>;
  if (name == "ex2") return unary<T, T, [](T a) { return std::exp2(a); }>;
  if (name == "copysign") return binary<T, T, T, [](T sign, T a) { return std::copysign(a, sign); }>;
  // The approximate one of a double has the upper half of its bits.
  if (name == "rcp" && mode == "approx" && std::is_same_v<T, double>)
    return unary<double, double, [](double a) { return std::bit_cast<double>(std::bit_cast<std::uint64_t>(1 / a) & 0xffffffff00000000u); }>;
  if (name == "rcp") return unary<T, T, [](T a) { return 1 / a; }>;
  return nullptr;
}

/// Those with a u at the end hold for what is not a number.
template <class T>
Run comparison(const std::string& name) {
  if (name == "eq") return compare<T, [](T a, T b) { return a == b; }>;
  if (name == "ne") return compare<T, [](T a, T b) { return a < b || b < a; }>;
  if (name == "lt") return compare<T, [](T a, T b) { return a < b; }>;
  if (name == "le") return compare<T, [](T a, T b) { return a <= b; }>;
  if (name == "gt") return compare<T, [](T a, T b) { return b < a; }>;
  if (name == "ge") return compare<T, [](T a, T b) { return a >= b; }>;
  if (name == "neu") return compare<T, [](T a, T b) { return a != b; }>;
  if (name == "ltu") return compare<T, [](T a, T b) { return !(a >= b); }>;
  if (name == "leu") return compare<T, [](T a, T b) { return !(b < a); }>;
  if (name == "gtu") return compare<T, [](T a, T b) { return !(a <= b); }>;
  if (name == "geu") return compare<T, [](T a, T b) { return !(a < b); }>;
  return nullptr;
}

template <class To, class From>
constexpr auto as_it_is = [](From a) { return To(a); };

/// cvt.mode.to.from
Run conversion(const std::string& mode, const std::string& to, const std::string& from) {
  if (to == from && to == "f32") {
    if (mode == "sat") return unary<float, float, [](float a) { return 0 < a ? std::min(a, 1.0f) : 0.0f; }>;
    if (mode == "rmi") return unary<float, float, [](float a) { return std::floor(a); }>;
    if (mode == "rni") return unary<float, float, [](float a) { return std::nearbyint(a); }>;
    if (mode == "rzi") return unary<float, float, [](float a) { return std::trunc(a); }>;
    return nullptr;
  }
  if (mode == "rzi" && to == "s32" && from == "f32") return unary<std::int32_t, float, [](float a) { return to_integer<std::int32_t>(double(a)); }>;
  if (mode == "rzi" && to == "s32" && from == "f64") return unary<std::int32_t, double, to_integer<std::int32_t>>;
  if (mode == "rzi" && to == "u64" && from == "f64") return unary<std::uint64_t, double, to_integer<std::uint64_t>>;
  if (to == "s32" && from == "s16") return unary<std::int32_t, std::uint32_t, [](std::uint32_t a) { return std::int16_t(a); }>;
  if (to == "u16" && from == "u32") return unary<std::uint32_t, std::uint32_t, as_it_is<std::uint32_t, std::uint32_t>>;
  if (to == "u32" && from == "u16") return unary<std::uint32_t, std::uint32_t, [](std::uint32_t a) { return a & 0xffff; }>;
  if (to == "f32" && from == "u16") return unary<float, std::uint32_t, [](std::uint32_t a) { return float(std::uint16_t(a)); }>;
  if (mode != "" && mode != "rn") return nullptr;
  return with_type(from, [&](auto f) {
    return with_type(to, [&](auto t) -> Run {
      using To = decltype(t);
      using From = decltype(f);
      if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) return nullptr;
      else return unary<To, From, as_it_is<To, From>>;
    });
  });
}

}  // namespace

Run arithmetic(const Statement& s, Names& names, Instruction& i) {
  const std::string &name = s.op[0], &type = s.type(), mode = s.op.size() > 2 ? s.op[1] : "";
  const auto operands = [&](int to, int from) {
    i.to[0] = names.operand(s.arguments.at(0), to);
    for (std::size_t k = 1; k < s.arguments.size(); ++k) i.from[k - 1] = names.operand(s.arguments[k], from);
  };
  const int bytes = register_bytes(type);
  if (name == "mma") {
    if (s.op.at(3) != "m16n8k8" || s.op.at(6) != "f32" || s.op.at(7) != "tf32") return nullptr;
    int n = 0;
    for (const std::string& d : list(s.arguments.at(0))) i.to[n++] = names.operand(d, 4);
    n = 0;
    for (std::size_t k = 1; k < 4; ++k)
      for (const std::string& x : list(s.arguments.at(k))) i.from[n++] = names.operand(x, 4);
    return multiply;
  }
  if (name == "mov" && s.arguments.at(1).starts_with("%") && s.arguments[1].ends_with(".x")) {
    i.to[0] = names.operand(s.arguments[0], 4);
    if (s.arguments[1] == "%tid.x") return Run(special<[](const Warp& w) { return w.first; }, true>);
    if (s.arguments[1] == "%ctaid.x") return special<[](const Warp& w) { return w.of->id; }>;
    if (s.arguments[1] == "%nctaid.x") return special<[](const Warp& w) { return w.of->launch.blocks; }>;
    return nullptr;
  }
  if (name == "mov" && (s.arguments[0].starts_with('{') || s.arguments[1].starts_with('{'))) {
    const auto to = list(s.arguments[0]), from = list(s.arguments[1]);
    for (std::size_t k = 0; k < to.size(); ++k) i.to[k] = names.operand(to[k], to.size() == 1 ? 8 : 4);
    for (std::size_t k = 0; k < from.size(); ++k) i.from[k] = names.operand(from[k], from.size() == 1 ? 8 : 4);
    return to.size() == 2 ? unpack : pack;
  }
  if (type == "pred") {
    operands(0, 0);
    if (name == "mov") return logic<[](std::uint32_t a, std::uint32_t) { return a; }>;
    if (name == "not") return logic<[](std::uint32_t a, std::uint32_t) { return ~a; }>;
    if (name == "and") return logic<[](std::uint32_t a, std::uint32_t b) { return a & b; }>;
    if (name == "or") return logic<[](std::uint32_t a, std::uint32_t b) { return a | b; }>;
    if (name == "xor") return logic<[](std::uint32_t a, std::uint32_t b) { return a ^ b; }>;
    return nullptr;
  }
  if (name == "mov" || name == "cvta") {
    operands(bytes, bytes);
    return bytes == 8 ? unary<std::uint64_t, std::uint64_t, as_it_is<std::uint64_t, std::uint64_t>> : unary<std::uint32_t, std::uint32_t, as_it_is<std::uint32_t, std::uint32_t>>;
  }
  if (name == "selp") {
    for (int k = 0; k < 4; ++k) (k ? i.from[k - 1] : i.to[0]) = names.operand(s.arguments.at(std::size_t(k)), k < 3 ? bytes : 0);
    return bytes == 8 ? select<std::uint64_t> : select<std::uint32_t>;
  }
  if (name == "setp") {
    if (s.op.size() != 3) return nullptr;
    operands(0, bytes);
    if (type == "s16" && mode == "eq") return compare<std::uint32_t, [](std::uint32_t a, std::uint32_t b) { return std::uint16_t(a) == std::uint16_t(b); }>;
    if (type == "s16" && mode == "ne") return compare<std::uint32_t, [](std::uint32_t a, std::uint32_t b) { return std::uint16_t(a) != std::uint16_t(b); }>;
    return with_type(type, [&](auto t) { return comparison<decltype(t)>(mode); });
  }
  if (name == "cvt") {
    const std::string& to = s.op[s.op.size() - 2];
    operands(register_bytes(to), bytes);
    return conversion(s.op.size() > 3 ? s.op[1] : "", to, type);
  }
  if (name == "shl" || name == "shr") {
    for (int k = 0; k < 3; ++k) (k ? i.from[k - 1] : i.to[0]) = names.operand(s.arguments.at(std::size_t(k)), k < 2 ? bytes : 4);
  } else if (name == "mul" && mode == "wide") {
    operands(type == "u16" ? 4 : 8, 4);
    if (type == "u16") return binary<std::uint32_t, std::uint32_t, std::uint32_t, [](std::uint32_t a, std::uint32_t b) { return (a & 0xffff) * (b & 0xffff); }>;
    if (type == "s32") return binary<std::int64_t, std::int32_t, std::int32_t, [](std::int64_t a, std::int64_t b) { return a * b; }>;
    if (type == "u32") return binary<std::uint64_t, std::uint32_t, std::uint32_t, [](std::uint64_t a, std::uint64_t b) { return a * b; }>;
    return nullptr;
  } else {
    operands(bytes, bytes);
  }
  if (name == "bfi" && type == "b32") return insert_bits;
  if (name == "mul" && mode == "hi") {
    if (type == "s32") return binary<std::int32_t, std::int32_t, std::int32_t, [](std::int64_t a, std::int64_t b) { return (a * b >> 32); }>;
    if (type == "u32") return binary<std::uint32_t, std::uint32_t, std::uint32_t, [](std::uint64_t a, std::uint64_t b) { return (a * b >> 32); }>;
    return nullptr;
  }
  if (type.ends_with("16")) {  // the upper half of a register is of no account
    if (name == "shr" && type == "u16") return binary<std::uint32_t, std::uint32_t, std::uint32_t, [](std::uint32_t a, std::uint32_t n) { return ((a & 0xffff) >> std::min(n, 16u)); }>;
    for (const char* known : {"add", "sub", "and", "or"})
      if (name == known) return integer<std::uint32_t>(name);
    return nullptr;
  }
  return with_type(type, [&](auto t) -> Run {
    if constexpr (std::is_integral_v<decltype(t)>) return integer<decltype(t)>(name);
    else return floating<decltype(t)>(name, mode);
  });
}

}  // namespace ptx
