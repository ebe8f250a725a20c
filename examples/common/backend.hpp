#pragma once

#include <CLI/CLI.hpp>
#include <dropnet/dropnet.hpp>
#ifdef WITH_CUDA
#include <dropnet/cuda.hpp>
#endif
#include <string>
#include <type_traits>

namespace program {

namespace dn = dropnet;

/// Where to compute, for all programs.
struct BackendOptions {
  std::string name = "cpu", precision = "fp32";
  int threads = 0;
  bool deterministic = false;

  void add_to(CLI::App& app) {
    const char* group = "Backend";
    app.add_option("--backend", name, "where to compute: cpu, or cuda for an NVIDIA GPU")
        ->check(CLI::IsMember({"cpu", "cuda"}))->capture_default_str()->group(group);
    app.add_option("--threads", threads, "cpu: 0 stands for all that the machine has")->check(CLI::Range(0, 1024).description("0 or more"))
        ->capture_default_str()->group(group);
    app.add_option("--precision", precision, "cuda: fp32, or tf32 for tensor cores that round what they multiply")
        ->check(CLI::IsMember({"fp32", "tf32"}))->capture_default_str()->group(group);
    app.add_flag("--deterministic", deterministic, "cuda: the same bytes from run to run, perhaps slower; the cpu always is")->group(group);
  }

  /// Calls work(std::type_identity<Backend>). Throws Error if this program was built without it.
  template <class Work>
  void with(Work work) const {
    if (name == "cpu") return work(std::type_identity<dn::Cpu>{});
#ifdef WITH_CUDA
    work(std::type_identity<dn::Cuda>{});
#else
    throw dn::Error("--backend cuda: this program was built without CUDA; install the CUDA toolkit and cuDNN, and build it anew");
#endif
  }

  template <class Backend>
  Backend make() const {
    if constexpr (std::is_same_v<Backend, dn::Cpu>) return dn::Cpu(threads);
#ifdef WITH_CUDA
    if constexpr (std::is_same_v<Backend, dn::Cuda>)
      return dn::Cuda({.precision = precision == "tf32" ? dn::Precision::tf32 : dn::Precision::fp32, .deterministic = deterministic});
#endif
  }
};

/// "2 threads" or "cuda".
inline std::string describe(const dn::Cpu& cpu) { return std::to_string(cpu.threads()) + (cpu.threads() == 1 ? " thread" : " threads"); }
#ifdef WITH_CUDA
inline std::string describe(const dn::Cuda& cuda) {
  return std::string("cuda, ") + (cuda.options().precision == dn::Precision::tf32 ? "tf32" : "fp32") + (cuda.options().deterministic ? ", deterministic" : "");
}
#endif

}  // namespace program
