#pragma once

#include <CLI/CLI.hpp>
#include <dropnet/core/error.hpp>
#include <iostream>

namespace program {

/// Exit codes of all programs.
enum Exit { done = 0, failed = 1, usage = 2, diverged = 3 };

/// Parses the command line and runs the chosen subcommand's callback; mistakes become one line on standard error.
inline int run(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
    return done;
  } catch (const CLI::Success& e) {  // --help, --version
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    const auto chosen = app.get_subcommands();
    std::cerr << app.get_name() << ": " << e.what() << "; see " << app.get_name() << (chosen.empty() ? "" : " " + chosen.front()->get_name())
              << " --help\n";
    return usage;
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
