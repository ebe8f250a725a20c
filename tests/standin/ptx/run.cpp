// Warps of a block in turn, from barrier to barrier, and block after block.

#include "../../../kernels/any_order.hpp"
#include "machine.hpp"

namespace ptx {

namespace {

using dropnet::kernels::in_any_order;

/// Lanes that have come to the same instruction are together again; the foremost go on.
void regroup(Warp& w) {
  if (w.now.lanes) w.others.push_back(w.now);
  w.now.lanes = 0;
  w.meet = INT_MAX;
  if (w.others.empty()) return;
  w.now.at = std::ranges::min(w.others, {}, &Warp::Group::at).at;
  std::erase_if(w.others, [&](const Warp::Group& g) {
    if (g.at == w.now.at) w.now.lanes |= g.lanes;
    return g.at == w.now.at;
  });
  for (const auto& g : w.others) w.meet = std::min(w.meet, g.at);
}

/// Up to a barrier, or its end.
void go_on(Warp& w) {
  while (w.now.lanes) {
    const Instruction& i = w.of->kernel.code[std::size_t(unsigned(w.now.at))];
    std::uint32_t mask = w.now.lanes;
    if (i.guard >= 0) mask &= i.unless ? ~w.predicates[unsigned(i.guard)] : w.predicates[unsigned(i.guard)];
    ++w.now.at;
    switch (i.kind) {
      case Instruction::plain:
        if (mask) i.run(w, i, mask);
        if (w.now.at == w.meet) regroup(w);
        break;
      case Instruction::branch:
        if (mask) w.others.push_back({i.target, mask});
        w.now.lanes &= ~mask;
        regroup(w);
        break;
      case Instruction::exit:
        if (mask & ~w.waited) w.fail(i, unsigned(std::countr_zero(mask & ~w.waited)), "a thread ends that has not waited for the kernel ahead");
        w.live &= ~mask;
        w.now.lanes &= ~mask;
        regroup(w);
        break;
      case Instruction::barrier:
        if (mask != w.live) w.fail(i, 0, "threads of a warp are not together");
        return;
    }
  }
  for (const auto& copy : w.copies) w.fail(w.of->kernel.code.back(), copy.lane, "a copy is not waited for");
}

}  // namespace

std::vector<char> parameters(const Kernel& kernel, void** arguments) {
  std::vector<char> values;
  for (std::size_t k = 0; k < kernel.sizes.size(); ++k) {
    values.resize(kernel.parameters[k] + kernel.sizes[k]);
    std::memcpy(values.data() + kernel.parameters[k], arguments[k], kernel.sizes[k]);
  }
  return values;
}
unsigned most_threads(const Kernel& kernel) { return kernel.most_threads; }

void run(const Kernel& kernel, const Launch& launch) {
  static std::uint32_t launches = 0;
  Block block{.kernel = kernel, .launch = launch, .number = ++launches};
  const std::size_t shared = rounded_up(kernel.dynamic_shared() + launch.shared, 4);
  std::vector<Warp> warps;
  in_any_order(launch.blocks, [&](std::size_t id) {
    block.id = std::uint32_t(id);
    block.interval = 1;
    block.shared.assign(shared, char(0xff));
    block.shadow.assign(shared / 4, {});
    for (unsigned k = 0; k < launch.threads / 32; ++k) {
      if (k == warps.size()) warps.push_back(Warp{&block, 0, std::vector<std::uint64_t>(kernel.registers / 8, ~std::uint64_t{0}), std::vector<std::uint32_t>(kernel.predicates)});
      warps[k] = Warp{&block, k * 32, std::move(warps[k].registers), std::move(warps[k].predicates)};
    }
    for (;; ++block.interval) {
      in_any_order(warps.size(), [&](std::size_t k) { go_on(warps[k]); });
      const auto live = [](const Warp& w) { return w.live != 0; };
      if (std::ranges::none_of(warps, live)) break;
      if (!std::ranges::all_of(warps, live)) throw Fault("ptx: " + kernel.name + ", block " + std::to_string(id) + ": some threads end where others wait at a barrier");
    }
  });
}

}  // namespace ptx
