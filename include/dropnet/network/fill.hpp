#pragma once

#include <optional>
#include <span>
#include <variant>

#include "dropnet/core/filler.hpp"
#include "dropnet/core/random.hpp"
#include "dropnet/network/architecture.hpp"

namespace dropnet {

/// How weights begin, where a layer does not say it itself (Parameter::filler). Value i of a tensor is a pure function of
/// (seed, the tensor's number, i).
struct Fill {
  Filler layers = Xavier{};
  std::optional<Filler> added{};  ///< for weights behind DropIn; as `layers` unless given
  Filler bias = Constant{};

  template <class T>
  void tensor(const TensorInfo& t, const Random& random, std::span<T> values) const {
    const Filler& filler = t.parameter.filler ? *t.parameter.filler : t.is_bias ? bias : t.site >= 0 && added ? *added : layers;
    std::visit([&](const auto& f) {
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = T(f(t, random, i));
      if constexpr (requires { f.sums_to_one; }) {
        const std::size_t row = values.size() / std::size_t(t.shape.front());
        for (std::size_t from = 0; from < values.size(); from += row) {
          double sum = 0;
          for (T v : values.subspan(from, row)) sum += double(v);
          for (T& v : values.subspan(from, row)) v = T(double(v) / sum);
        }
      }
    }, filler);
  }
};

}  // namespace dropnet
