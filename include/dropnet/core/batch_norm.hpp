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

/// What a BatchNorm keeps from forward for backward, one value per channel.
template <class T, int Channels>
struct NormalizationState {
  T* values;
  T* mean() const { return values; }
  T* inverse() const { return values + Channels; }  ///< 1 / sqrt(variance + epsilon)
  T* variance() const { return values + 2 * Channels; }
  T* sums() const { return values + 3 * Channels; }  ///< backward's own: 2 Channels values
  static constexpr int size = 5 * Channels;
};

/// What a running variance follows: the batch's with Bessel's correction, count / (count - 1), as in Caffe.
constexpr double unbiased(double count) { return count > 1 ? count / (count - 1) : 1; }

}  // namespace dropnet
