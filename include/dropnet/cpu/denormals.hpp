#pragma once

#include <cstdint>

namespace dropnet {

/// While it lives, this thread takes numbers below the normal ones (1.2e-38 in float) for zeros, on x86-64 and aarch64. Processors are
/// many times slower with them, and what vanishes on its way through a deep network ends as them.
class DenormalsAreZero {
 public:
  DenormalsAreZero() : before_(control()) { control(before_ | flush); }
  DenormalsAreZero(const DenormalsAreZero&) = delete;
  DenormalsAreZero& operator=(const DenormalsAreZero&) = delete;
  ~DenormalsAreZero() { control(before_); }

 private:
#if defined(__SSE2__)
  using Word = std::uint32_t;
  static constexpr Word flush = 1u << 15 | 1u << 6;  // of what is computed, of what is read
  static Word control() { return __builtin_ia32_stmxcsr(); }
  static void control(Word word) { __builtin_ia32_ldmxcsr(word); }
#elif defined(__aarch64__)
  using Word = std::uint64_t;
  static constexpr Word flush = Word(1) << 24;
  static Word control() {
    Word word;
    asm volatile("mrs %0, fpcr" : "=r"(word));
    return word;
  }
  static void control(Word word) { asm volatile("msr fpcr, %0" : : "r"(word) : "memory"); }
#else
  using Word = std::uint32_t;
  static constexpr Word flush = 0;
  static Word control() { return 0; }
  static void control(Word) {}
#endif
  Word before_;
};

}  // namespace dropnet
