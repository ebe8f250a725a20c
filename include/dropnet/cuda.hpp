#pragma once

// The CUDA backend: Network<Spec, Input, Cuda>. Link with dropnet::cuda; any C++20 compiler will do.

#include "dropnet/cuda/activation.hpp"
#include "dropnet/cuda/add.hpp"
#include "dropnet/cuda/backend.hpp"
#include "dropnet/cuda/batch_norm.hpp"
#include "dropnet/cuda/concat.hpp"
#include "dropnet/cuda/conv.hpp"
#include "dropnet/cuda/dropin.hpp"
#include "dropnet/cuda/dropout.hpp"
#include "dropnet/cuda/finite.hpp"
#include "dropnet/cuda/identity.hpp"
#include "dropnet/cuda/images.hpp"
#include "dropnet/cuda/linear.hpp"
#include "dropnet/cuda/lrn.hpp"
#include "dropnet/cuda/pool.hpp"
#include "dropnet/cuda/relu.hpp"
#include "dropnet/cuda/resize.hpp"
#include "dropnet/cuda/sgd.hpp"
#include "dropnet/cuda/softmax.hpp"
#include "dropnet/cuda/softmax_loss.hpp"
#include "dropnet/cuda/squared_loss.hpp"
