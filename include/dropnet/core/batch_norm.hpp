#pragma once

#include "dropnet/core/blob.hpp"

namespace dropnet {

/// How a BatchNorm layer computes: with the batch's own statistics, or with the running ones.
struct Normalization {
  double epsilon;
  bool by_batch;
};

/// A BatchNorm's four tensors, one value per channel.
template <class T>
struct NormalizationWeights {
  Weight<T> scale, shift, mean, variance;
};
template <class T>
NormalizationWeights(Weight<T>, Weight<T>, Weight<T>, Weight<T>) -> NormalizationWeights<T>;

/// What a BatchNorm keeps from forward for backward, a value per channel each; sum and product are backward's own.
template <class T>
struct NormalizationState {
  static constexpr int parts = 5;
  T* values;
  int channels;
  constexpr T* mean() const { return values; }
  constexpr T* inverse() const { return values + channels; }  ///< 1 / sqrt(variance + epsilon)
  constexpr T* variance() const { return values + 2 * channels; }
  constexpr T* sum() const { return values + 3 * channels; }      ///< of dy
  constexpr T* product() const { return values + 4 * channels; }  ///< of dy and the normalised x
};

template <class T>
NormalizationState(T*, int) -> NormalizationState<T>;

/// What a running variance follows: the batch's with Bessel's correction, count / (count - 1), as in Caffe.
constexpr double unbiased(double count) { return count > 1 ? count / (count - 1) : 1; }

}  // namespace dropnet
