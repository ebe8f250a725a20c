#pragma once

#include <tuple>

#include "dropnet/train/growth.hpp"
#include "dropnet/train/learning_rate.hpp"
#include "dropnet/train/sgd.hpp"

namespace dropnet::detail {

/// The names of what a solver or a schedule is made of: how it is written down. A name that a file may hold is never changed.
template <class S>
struct Members;

template <class S, class T>
struct Member {
  const char* name;
  T S::*at;
};
template <class S, class T>
Member(const char*, T S::*) -> Member<S, T>;

template <>
struct Members<Sgd> {
  static constexpr const char* kind = "sgd";
  static constexpr std::tuple list{Member{"momentum", &Sgd::momentum},   Member{"weight_decay", &Sgd::weight_decay}, Member{"clip", &Sgd::clip},
                                   Member{"bias_rate", &Sgd::bias_rate}, Member{"bias_decay", &Sgd::bias_decay},     Member{"nesterov", &Sgd::nesterov}};
};

template <>
struct Members<Grown> {
  static constexpr const char* kind = "grown";
  static constexpr std::tuple<> list{};
};
template <>
struct Members<Gradual> {
  static constexpr const char* kind = "gradual";
  static constexpr std::tuple list{Member{"start", &Gradual::start}, Member{"length", &Gradual::length}, Member{"mask", &Gradual::mask}};
};
template <>
struct Members<Staggered> {
  static constexpr const char* kind = "staggered";
  static constexpr std::tuple list{Member{"start", &Staggered::start}, Member{"length", &Staggered::length}, Member{"gap", &Staggered::gap},
                                   Member{"mask", &Staggered::mask}};
};
template <>
struct Members<Regularizing> {
  static constexpr const char* kind = "regularizing";
  static constexpr std::tuple list{Member{"p", &Regularizing::p}};
};
template <>
struct Members<BySite::Site> {
  static constexpr const char* kind = "site";
  static constexpr std::tuple list{Member{"site", &BySite::Site::site}, Member{"start", &BySite::Site::start}, Member{"length", &BySite::Site::length}};
};
template <>
struct Members<BySite> {
  static constexpr const char* kind = "by_site";
  static constexpr std::tuple list{Member{"sites", &BySite::sites}, Member{"mask", &BySite::mask}};
};

template <>
struct Members<Fixed> {
  static constexpr const char* kind = "fixed";
  static constexpr std::tuple list{Member{"base", &Fixed::base}};
};
template <>
struct Members<Step> {
  static constexpr const char* kind = "step";
  static constexpr std::tuple list{Member{"base", &Step::base}, Member{"gamma", &Step::gamma}, Member{"step", &Step::step}};
};
template <>
struct Members<MultiStep> {
  static constexpr const char* kind = "multistep";
  static constexpr std::tuple list{Member{"base", &MultiStep::base}, Member{"gamma", &MultiStep::gamma}, Member{"steps", &MultiStep::steps}};
};
template <>
struct Members<Inverse> {
  static constexpr const char* kind = "inv";
  static constexpr std::tuple list{Member{"base", &Inverse::base}, Member{"gamma", &Inverse::gamma}, Member{"power", &Inverse::power}};
};
template <>
struct Members<Exponential> {
  static constexpr const char* kind = "exp";
  static constexpr std::tuple list{Member{"base", &Exponential::base}, Member{"gamma", &Exponential::gamma}};
};
template <>
struct Members<Polynomial> {
  static constexpr const char* kind = "poly";
  static constexpr std::tuple list{Member{"base", &Polynomial::base}, Member{"power", &Polynomial::power}, Member{"iterations", &Polynomial::iterations}};
};
template <>
struct Members<SigmoidDecay> {
  static constexpr const char* kind = "sigmoid";
  static constexpr std::tuple list{Member{"base", &SigmoidDecay::base}, Member{"gamma", &SigmoidDecay::gamma}, Member{"step", &SigmoidDecay::step}};
};
template <>
struct Members<WarmUp> {
  static constexpr const char* kind = "warm_up";
  static constexpr std::tuple list{Member{"length", &WarmUp::length}, Member{"from", &WarmUp::from}, Member{"then", &WarmUp::then}};
};

}  // namespace dropnet::detail
