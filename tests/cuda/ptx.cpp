// The machine that runs the kernels' PTX without a GPU: what it computes, and that it sees each fault that it is there for.

#include "../standin/ptx/ptx.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace {

constexpr std::string_view wait = "griddepcontrol.wait; ";

/// Runs a body with %tid in %r0, the address of the thread's value in %rd1, of the values in %rd0, 1,024 bytes of shared memory
/// behind `s` and the thread's place there in %r1; returns the values after it, which were 0, 1, ...
std::vector<std::uint32_t> run(const std::string& body, std::uint32_t blocks = 1, std::uint32_t threads = 64, std::size_t count = 64) {
  const std::string text = R"(
.version 9.0
.target sm_90
.address_size 64
.entry test(
	.param .u64 test_param_0
)
.maxntid 256, 1, 1
{
	.reg .pred %p<9>;
	.reg .b16 %rs<4>;
	.reg .b32 %r<32>;
	.reg .f32 %f<32>;
	.reg .b64 %rd<9>;
	.shared .align 16 .b8 s[1024];
	ld.param.u64 %rd0, [test_param_0];
	mov.u32 %r0, %tid.x;
	mul.wide.u32 %rd1, %r0, 4;
	add.s64 %rd1, %rd1, %rd0;
	mov.u32 %r1, s;
	shl.b32 %r2, %r0, 2;
	add.s32 %r1, %r1, %r2;
)" + body + "\n\tret;\n\n}\n";
  std::vector<std::uint32_t> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = std::uint32_t(i);
  std::vector<ptx::Touched> touched(count);
  char* begin = reinterpret_cast<char*>(values.data());
  void* arguments[] = {&begin};
  const auto kernel = ptx::parse(text).at("test");
  const ptx::Launch launch{blocks, threads, 0, ptx::parameters(*kernel, arguments), [&](const void*) { return ptx::Allocation{begin, begin + count * 4, touched.data()}; }};
  ptx::run(*kernel, launch);
  return values;
}

void faults(const std::string& body, const char* what, std::uint32_t blocks = 1) {
  CAPTURE(body);
  std::string said = "nothing";
  try {
    run(body, blocks);
  } catch (const ptx::Fault& fault) {
    said = fault.what();
  }
  INFO(said);
  CHECK(said.find(what) != std::string::npos);
}

/// What an instruction gives of numbers: "add.s32 %r9, 1, 2".
std::uint32_t value(const std::string& instruction) { return run(std::string(wait) + instruction + "; st.global.u32 [%rd1], %r9;", 1, 32)[0]; }
float real(const std::string& instruction) { return std::bit_cast<float>(run(std::string(wait) + instruction + "; st.global.f32 [%rd1], %f9;", 1, 32)[0]); }

const std::string store = "st.shared.u32 [%r1], %r0; ", other = "xor.b32 %r3, %r1, 252; ld.shared.u32 %r4, [%r3]; ",
                  mate = "xor.b32 %r3, %r1, 124; ld.shared.u32 %r4, [%r3]; ", result = "st.global.u32 [%rd1], %r4; ";
const std::string begin(wait), copy = "cp.async.ca.shared.global [%r1], [%rd1], 4, 4; ";

}  // namespace

TEST_CASE("threads of several warps exchange values over shared memory") {
  const auto values = run(begin + store + "bar.sync 0; " + other + result);
  for (std::uint32_t i = 0; i < 64; ++i) CHECK(values[i] == 63 - i);
}

TEST_CASE("threads of a warp part and meet again") {
  // Each goes round as often as its number, the odd ones twice; a barrier behind shows that they are together.
  const auto values = run(begin + "mov.u32 %r4, 0; mov.u32 %r5, %r0; $again: setp.eq.s32 %p1, %r5, 0; @%p1 bra $done; add.s32 %r4, %r4, 1; and.b32 %r6, %r0, 1; "
                          "setp.eq.s32 %p2, %r6, 0; @%p2 bra $even; add.s32 %r4, %r4, 1; $even: sub.s32 %r5, %r5, 1; bra.uni $again; $done: bar.sync 0; " + result);
  for (std::uint32_t i = 0; i < 64; ++i) CHECK(values[i] == i * (1 + i % 2));
}

TEST_CASE("copies are there when they are waited for, not before") {
  const auto values = run(begin + copy + "cp.async.commit_group; cp.async.wait_group 0; bar.sync 0; " + other + "bar.sync 0; " + result);
  for (std::uint32_t i = 0; i < 64; ++i) CHECK(values[i] == 63 - i);
  const auto zeros = run(begin + "cp.async.ca.shared.global [%r1], [%rd1], 4, 0; cp.async.commit_group; cp.async.wait_group 0; ld.shared.u32 %r4, [%r1]; " + result);
  for (std::uint32_t i = 0; i < 64; ++i) CHECK(zeros[i] == 0);
  faults(begin + copy + "cp.async.commit_group; bar.sync 0; " + other + result, "not there yet");
  faults(begin + copy + "cp.async.commit_group; cp.async.wait_group 1; bar.sync 0; " + other + result, "not there yet");
  faults(begin + copy + "cp.async.wait_group 0; bar.sync 0; " + other + result, "not there yet");
  faults(begin + copy + "cp.async.commit_group; cp.async.wait_group 0; " + mate + result, "writes it");
  faults(begin + copy + "cp.async.commit_group;", "not waited for");
}

TEST_CASE("faults: shared memory") {
  faults(begin + store + mate + result, "writes it");
  faults(begin + store + other + result, "nobody wrote");  // of two warps the one is not there yet
  faults(begin + store + "bar.sync 0; " + mate + store, "another thread reads it");
  faults(begin + store + "mov.u32 %r3, s; st.shared.u32 [%r3], %r0;", "written while");
  faults(begin + mate, "nobody wrote");
  faults(begin + "ld.shared.u32 %r4, [%r1+1024];", "ends before");
  faults(begin + "ld.shared.u32 %r4, [0];", "ends before");
  faults(begin + store + "ld.shared.u32 %r4, [%r1+2];", "no multiple of 4");
  faults(begin + "st.shared.v2.u32 [%r1], {%r0, %r0};", "no multiple of 8");
}

TEST_CASE("faults: global memory") {
  faults("ld.global.u32 %r4, [%rd1];", "kernel ahead");
  faults("", "kernel ahead");
  faults(begin + "ld.global.u32 %r4, [%rd1+256];", "outside of what is allocated");
  faults(begin + "st.global.u32 [%rd1+-4], %r4;", "outside of what is allocated");
  faults(begin + "ld.global.u32 %r4, [%rd1+1];", "no multiple of 4");
  faults(begin + "st.global.u32 [%rd0], %r0;", "writes it");
  faults(begin + "ld.global.u32 %r4, [%rd0]; mov.u32 %r4, 7; setp.eq.s32 %p1, %r0, 0; @%p1 st.global.u32 [%rd0], %r4;", "reads it");
  // With a barrier between threads of a block, but there is none between blocks.
  const std::string ordered = begin + "ld.global.u32 %r4, [%rd0+252]; bar.sync 0; " + result;
  CHECK(run(ordered)[0] == 63);
  faults(ordered, "block", 2);
}

TEST_CASE("faults: threads that are not together, what is not known") {
  faults(begin + "setp.lt.u32 %p1, %r0, 40; @%p1 bra $skip; bar.sync 0; $skip:", "not together");
  faults(begin + "setp.lt.u32 %p1, %r0, 32; @%p1 bra $skip; bar.sync 0; $skip:", "others wait at a barrier");
  faults(begin + "setp.lt.u32 %p1, %r0, 8; @%p1 mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f1,%f2,%f3,%f4}, {%r4,%r5,%r6,%r7}, {%r8,%r9}, {%f1,%f2,%f3,%f4};", "not together");
  faults("tanh.approx.f32 %f1, %f2;", "not known: tanh");
  faults("mov.u32 %r99, 1;", "no %r99");
}

TEST_CASE("a matrix product: each lane's values at their places, cut to tf32") {
  // a[row][term] = row + 1 at term = row % 8 else 0, b[term][column] = 1 + term * 8 + column: d[row][column] = (row + 1) b[row % 8][column].
  const auto values = run(begin + R"(shr.u32 %r10, %r0, 2; and.b32 %r11, %r0, 3;
    add.s32 %r12, %r10, 1; cvt.rn.f32.u32 %f10, %r12; add.s32 %r12, %r12, 8; cvt.rn.f32.u32 %f11, %r12; add.s32 %r13, %r11, 4;
    setp.eq.s32 %p1, %r10, %r11; setp.eq.s32 %p2, %r10, %r13; mov.f32 %f0, 0f00000000;
    selp.f32 %f1, %f10, %f0, %p1; selp.f32 %f2, %f11, %f0, %p1; selp.f32 %f3, %f10, %f0, %p2; selp.f32 %f4, %f11, %f0, %p2;
    mov.b32 %r4, %f1; mov.b32 %r5, %f2; mov.b32 %r6, %f3; mov.b32 %r7, %f4;
    shl.b32 %r14, %r11, 3; add.s32 %r14, %r14, %r10; add.s32 %r14, %r14, 1; add.s32 %r15, %r14, 32;
    cvt.rn.f32.u32 %f5, %r14; cvt.rn.f32.u32 %f6, %r15; mov.b32 %r8, %f5; mov.b32 %r9, %f6;
    add.s32 %r8, %r8, 4095;
    mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%f20,%f21,%f22,%f23}, {%r4,%r5,%r6,%r7}, {%r8,%r9}, {%f0,%f0,%f0,%f0};
    mul.wide.u32 %rd2, %r0, 12; add.s64 %rd2, %rd2, %rd1;
    st.global.v4.f32 [%rd2], {%f20,%f21,%f22,%f23};)", 1, 32, 128);
  for (std::uint32_t lane = 0; lane < 32; ++lane)
    for (std::uint32_t k = 0; k < 4; ++k) {
      const std::uint32_t row = lane / 4 + k / 2 * 8, column = lane % 4 * 2 + k % 2;
      CHECK(std::bit_cast<float>(values[lane * 4 + k]) == float((row + 1) * (1 + row % 8 * 8 + column)));
    }
}

TEST_CASE("integers wrap, shifts saturate") {
  CHECK(value("add.s32 %r9, 2147483647, 1") == 0x80000000u);
  CHECK(value("mul.lo.s32 %r9, 65537, 65537") == 0x00020001u);
  CHECK(value("mul.hi.s32 %r9, -2, 2147483647") == 0xffffffffu);
  CHECK(value("mul.hi.u32 %r9, -2, 2147483647") == 0x7ffffffeu);
  CHECK(value("mad.lo.s32 %r9, 3, -4, 5") == std::uint32_t(-7));
  CHECK(value("shl.b32 %r9, 1, 32") == 0);
  CHECK(value("shr.u32 %r9, -1, 31") == 1);
  CHECK(value("shr.u32 %r9, -1, 99") == 0);
  CHECK(value("shr.s32 %r9, -8, 1") == std::uint32_t(-4));
  CHECK(value("shr.s32 %r9, -8, 99") == std::uint32_t(-1));
  CHECK(value("div.s32 %r9, -7, 2") == std::uint32_t(-3));
  CHECK(value("rem.s32 %r9, -7, 2") == std::uint32_t(-1));
  CHECK(value("div.u32 %r9, -7, 2") == 0x7ffffffcu);
  CHECK(value("min.s32 %r9, -1, 1") == std::uint32_t(-1));
  CHECK(value("max.u32 %r9, -1, 1") == 0xffffffffu);
  CHECK(value("bfi.b32 %r9, 255, 0, 8, 4") == 0xf00u);
  CHECK(value("mul.wide.s32 %rd2, -2, 3; cvt.u32.u64 %r9, %rd2") == std::uint32_t(-6));
  CHECK(value("mov.u32 %r8, -2; cvt.s64.s32 %rd2, %r8; shr.u64 %rd2, %rd2, 32; cvt.u32.u64 %r9, %rd2") == 0xffffffffu);
}

TEST_CASE("integers of 16 bits, which nvcc uses where 32 are not needed") {
  CHECK(value("cvt.u16.u32 %rs1, 73; mul.wide.u16 %r8, %rs1, -7281; shr.u32 %r9, %r8, 19") == 8);  // 73 / 9
  CHECK(value("cvt.u16.u32 %rs1, 65535; add.s16 %rs1, %rs1, 3; cvt.u32.u16 %r9, %rs1") == 2);
  CHECK(value("cvt.u16.u32 %rs1, 1; sub.s16 %rs1, %rs1, 2; shr.u16 %rs2, %rs1, 1; cvt.u32.u16 %r9, %rs2") == 0x7fff);
  CHECK(value("mov.u16 %rs1, 257; and.b16 %rs2, %rs1, 255; cvt.u32.u16 %r9, %rs2") == 1);
  CHECK(value("cvt.u16.u32 %rs1, 65536; setp.eq.s16 %p1, %rs1, 0; selp.u32 %r9, 1, 0, %p1") == 1);
}

TEST_CASE("floating point: conversions round as they say, comparisons know what is not a number") {
  CHECK(value("cvt.rzi.s32.f32 %r9, 0fC0200000") == std::uint32_t(-2));
  CHECK(value("cvt.rzi.s32.f32 %r9, 0f7FC00000") == 0);
  CHECK(value("cvt.rzi.s32.f32 %r9, 0f7F800000") == 0x7fffffffu);
  CHECK(real("cvt.rmi.f32.f32 %f9, 0fBFC00000") == -2);
  CHECK(real("cvt.rni.f32.f32 %f9, 0f40200000") == 2);
  CHECK(real("cvt.sat.f32.f32 %f9, 0f7FC00000") == 0);
  CHECK(real("cvt.sat.f32.f32 %f9, 0f40200000") == 1);
  CHECK(real("copysign.f32 %f9, 0fBF800000, 0f40200000") == -2.5f);
  CHECK(real("fma.rn.f32 %f9, 0f3F800001, 0f3F800001, 0fBF800000") == std::fma(1.00000012f, 1.00000012f, -1.0f));
  CHECK(real("fma.rm.f32 %f9, 0f3F800000, 0f33000000, 0f3F800000") == 1);
  CHECK(real("fma.rm.f32 %f9, 0fBF800000, 0f33000000, 0f3F800000") == std::nextafter(1.0f, 0.0f));
  for (const auto& comparison : {std::pair{"eq", 0u}, {"ne", 0u}, {"lt", 0u}, {"ge", 0u}, {"neu", 1u}, {"ltu", 1u}, {"leu", 1u}, {"gtu", 1u}, {"geu", 1u}}) {
    const std::string name = comparison.first;
    CAPTURE(name);
    CHECK(value("setp." + name + ".f32 %p1, 0f7FC00000, 0f3F800000; selp.u32 %r9, 1, 0, %p1") == comparison.second);
  }
}
