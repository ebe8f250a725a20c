#pragma once

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <dropnet/core/error.hpp>
#include <iostream>
#include <numeric>
#include <string>
#include <vector>

namespace program {

/// Exit codes of all programs.
enum Exit { done = 0, failed = 1, usage = 2, diverged = 3, interrupted = 130 };

/// Thrown by a command that was asked to stop and has saved what it had.
struct Interrupted {};

/// Ctrl-C and SIGTERM as a question that work asks between its steps. The second one ends the program at once.
class Interrupt {
 public:
  static void listen() {
    struct sigaction action {};
    action.sa_handler = [](int) {
      if (asked_) _exit(interrupted);
      asked_ = 1;
    };
    action.sa_flags = SA_RESTART;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
  }
  static bool asked() { return asked_; }

 private:
  static inline volatile std::sig_atomic_t asked_ = 0;
};

/// How many letters must be put in, left out or changed to make b of a.
inline std::size_t edits(const std::string& a, const std::string& b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t(0));
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t changed = diagonal + (a[i] != b[k]);
      diagonal = row[k + 1];
      row[k + 1] = std::min({changed, row[k] + 1, row[k + 1] + 1});
    }
  }
  return row.back();
}

/// "; did you mean --depth?" for the first word that the command line has too much and that is nearly a flag or a command.
inline std::string suggestion(const CLI::App& app) {
  const auto extras = app.remaining(true);
  const auto word = std::find_if(extras.begin(), extras.end(), [](const std::string& w) { return !w.empty(); });
  if (word == extras.end()) return "";
  const std::string given = word->substr(0, word->find('='));
  std::vector<std::string> known;
  const auto chosen = app.get_subcommands();
  if (given.starts_with("-"))
    for (const auto* option : (chosen.empty() ? app : *chosen.front()).get_options())
      for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  else if (chosen.empty())
    for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; })) known.push_back(command->get_name());
  const auto nearest = std::min_element(known.begin(), known.end(), [&](const auto& a, const auto& b) { return edits(given, a) < edits(given, b); });
  return nearest != known.end() && edits(given, *nearest) <= 1 + given.size() / 4 ? "; did you mean " + *nearest + "?" : "";
}

/// Parses the command line and runs the chosen subcommand's callback; mistakes become one line on standard error.
inline int run(CLI::App& app, int argc, char** argv) {
  std::signal(SIGXFSZ, SIG_IGN);  // a file that grows past its limit is an error that has a line
  try {
    app.parse(argc, argv);
    return done;
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    const auto chosen = app.get_subcommands();
    std::cerr << app.get_name() << ": " << e.what() << suggestion(app) << "; see " << app.get_name()
              << (chosen.empty() ? "" : " " + chosen.front()->get_name()) << " --help\n";
    return usage;
  } catch (const Interrupted&) {
    return interrupted;
  } catch (const dropnet::Diverged& e) {
    std::cerr << app.get_name() << ": diverged: " << e.what() << '\n';
    return diverged;
  } catch (const std::bad_alloc&) {
    std::cerr << app.get_name() << ": out of memory; try a smaller --batch or --depth\n";
    return failed;
  } catch (const std::exception& e) {
    std::cerr << app.get_name() << ": " << e.what() << '\n';
    return failed;
  }
}

}  // namespace program
