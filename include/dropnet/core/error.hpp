#pragma once

#include <stdexcept>
#include <string>

namespace dropnet {

/// What dropnet throws: one line that says what is wrong, where, and what to do.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Training met a loss that is NaN or infinite. The weights are those from before the step.
class Diverged : public Error {
 public:
  using Error::Error;
};

}  // namespace dropnet
