#pragma once

// For programs that use a trained network: layers, networks, loading and predicting. No solver, no schedules, no data sets.
// Needs nlohmann-json, for load_weights.

#include "dropnet/core/version.hpp"
#include "dropnet/cpu.hpp"
#include "dropnet/layers/activation.hpp"
#include "dropnet/layers/add.hpp"
#include "dropnet/layers/batch_norm.hpp"
#include "dropnet/layers/concat.hpp"
#include "dropnet/layers/conv.hpp"
#include "dropnet/layers/dropin.hpp"
#include "dropnet/layers/dropout.hpp"
#include "dropnet/layers/frozen.hpp"
#include "dropnet/layers/identity.hpp"
#include "dropnet/layers/linear.hpp"
#include "dropnet/layers/lrn.hpp"
#include "dropnet/layers/pool.hpp"
#include "dropnet/layers/relu.hpp"
#include "dropnet/layers/repeat.hpp"
#include "dropnet/layers/resize.hpp"
#include "dropnet/layers/sequential.hpp"
#include "dropnet/layers/softmax.hpp"
#include "dropnet/network/network.hpp"
#include "dropnet/network/summary.hpp"
#include "dropnet/network/transforms.hpp"
#include "dropnet/weights.hpp"
