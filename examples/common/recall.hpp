#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <dropnet/core/error.hpp>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace program {

/// A training command's flags, kept in its checkpoints: who resumes need not repeat them.
namespace recall {

using Names = std::vector<std::string>;

/// What belongs to a call, not to the run.
inline const Names of_a_call{"help", "resume", "weights", "out", "quiet", "backend", "threads", "precision", "deterministic"};
/// What may change on the way without changing what is learned.
inline const Names free{"iterations", "test-interval", "display", "snapshot", "keep", "debug-norms", "jsonl", "tensorboard", "note", "workers", "data"};

inline bool among(const Names& names, const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); }

/// All flags of the run with their values, as JSON.
inline std::string flags(const CLI::App& command) {
  nlohmann::json kept = nlohmann::json::object();
  for (const CLI::Option* option : command.get_options()) {
    if (option->get_lnames().empty() || among(of_a_call, option->get_lnames().front())) continue;
    const std::string value = option->count() ? option->results().back() : option->get_default_str();
    if (!value.empty()) kept[option->get_lnames().front()] = value;
  }
  return kept.dump();
}

/// Whether two texts are the same value: "0.010" and "1e-2".
inline bool same(const std::string& a, const std::string& b) {
  char *end_a = nullptr, *end_b = nullptr;
  const double x = std::strtod(a.c_str(), &end_a), y = std::strtod(b.c_str(), &end_b);
  return a == b || (!a.empty() && !b.empty() && *end_a == 0 && *end_b == 0 && x == y);
}

/// Gives the command the checkpoint's flags where the command line has none. Throws CLI::ValidationError if it says
/// something else of what must not change.
inline void flags_back(CLI::App& command, const std::string& text, const std::string& from) {
  const auto kept = nlohmann::json::parse(text, nullptr, false);
  if (!kept.is_object()) throw dropnet::Error(from + ": has no flags of this program; it is another program's checkpoint");
  for (const auto& [name, stored] : kept.items()) {
    CLI::Option* option = command.get_option_no_throw("--" + name);
    if (!option || !stored.is_string()) throw dropnet::Error(from + ": was written with --" + name + ", which this program does not have");
    const std::string value = stored.get<std::string>();
    if (option->count() == 0) {
      option->add_result(value);
      option->run_callback();
    } else if (!among(free, name) && !same(option->results().back(), value)) {
      throw CLI::ValidationError("--" + name, "is " + option->results().back() + " here but " + value + " in " + from +
                                                  "; leave it out, or begin anew from its model.safetensors with --weights");
    }
  }
  // What the checkpoint does not have was left at its default, which has no text.
  for (const CLI::Option* option : command.get_options()) {
    if (option->count() == 0 || option->get_lnames().empty()) continue;
    const std::string& name = option->get_lnames().front();
    if (!kept.contains(name) && !among(of_a_call, name) && !among(free, name))
      throw CLI::ValidationError("--" + name, "was not given when " + from + " was written; leave it out, or begin anew from its model.safetensors with --weights");
  }
}

}  // namespace recall
}  // namespace program
