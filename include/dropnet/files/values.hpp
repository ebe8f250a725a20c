#pragma once

// Needs nlohmann-json.

#include <nlohmann/json.hpp>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "dropnet/core/error.hpp"
#include "dropnet/core/share.hpp"
#include "dropnet/train/members.hpp"

// Solvers and schedules as JSON and back: {"kind": "gradual", "start": 0, "length": 750, "mask": "unit"}. Numbers come back
// bit for bit.

namespace dropnet::detail {

template <class T>
concept HasMembers = requires { Members<T>::kind; };
template <class T>
inline constexpr bool is_variant = false;
template <class... Ts>
inline constexpr bool is_variant<std::variant<Ts...>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T>
inline constexpr bool is_vector<std::vector<T>> = true;

template <class T>
nlohmann::json written(const T& value) {
  if constexpr (is_variant<T>) {
    return std::visit([](const auto& one) { return written(one); }, value);
  } else if constexpr (is_vector<T>) {
    nlohmann::json list = nlohmann::json::array();
    for (const auto& one : value) list.push_back(written(one));
    return list;
  } else if constexpr (std::is_same_v<T, LearningRate>) {
    return value.whole().length ? written(value.whole()) : written(value.whole().then);
  } else if constexpr (std::is_same_v<T, Mask>) {
    return mask_name(value);
  } else if constexpr (HasMembers<T>) {
    nlohmann::json object{{"kind", Members<T>::kind}};
    std::apply([&](const auto&... m) { ((object[m.name] = written(value.*m.at)), ...); }, Members<T>::list);
    return object;
  } else {
    return value;
  }
}

template <class T>
void read_value(const nlohmann::json& from, T& to);

template <class... Ts>
void read_one_of(const nlohmann::json& from, std::variant<Ts...>& to) {
  const std::string kind = from.at("kind").get<std::string>();
  const auto take = [&]<class One>(std::type_identity<One>) {
    if (kind != Members<One>::kind) return false;
    One one{};
    read_value(from, one);
    to = std::move(one);
    return true;
  };
  if (!(take(std::type_identity<Ts>{}) || ...)) throw Error("'" + kind + "' is none that this version knows");
}

/// Throws nlohmann::json::exception, or Error, if it is something else.
template <class T>
void read_value(const nlohmann::json& from, T& to) {
  if constexpr (is_variant<T>) {
    read_one_of(from, to);
  } else if constexpr (is_vector<T>) {
    if (!from.is_array()) throw Error("a list is needed");
    to.clear();
    for (const auto& one : from) read_value(one, to.emplace_back());
  } else if constexpr (std::is_same_v<T, LearningRate>) {
    WarmUp whole;
    from.at("kind") == Members<WarmUp>::kind ? read_value(from, whole) : read_value(from, whole.then);
    to = std::move(whole);
  } else if constexpr (std::is_same_v<T, Mask>) {
    const auto mask = mask_of(from.get<std::string>());
    if (!mask) throw Error("'" + from.get<std::string>() + "' is no mask");
    to = *mask;
  } else if constexpr (HasMembers<T>) {
    std::apply([&](const auto&... m) { (read_value(from.at(m.name), to.*m.at), ...); }, Members<T>::list);
  } else if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    if (!from.is_number_integer()) throw Error("a whole number is needed, not " + from.dump());
    const bool fits = from.is_number_unsigned() ? std::in_range<T>(from.get<std::uint64_t>()) : std::in_range<T>(from.get<std::int64_t>());
    if (!fits) throw Error(from.dump() + " is too large a number");
    to = from.get<T>();
  } else {
    to = from.get<T>();
  }
}

}  // namespace dropnet::detail
