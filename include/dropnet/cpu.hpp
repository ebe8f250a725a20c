#pragma once

#include "dropnet/cpu/backend.hpp"
#include "dropnet/cpu/conv.hpp"
#include "dropnet/cpu/dropin.hpp"
#include "dropnet/cpu/dropout.hpp"
#include "dropnet/cpu/finite.hpp"
#include "dropnet/cpu/identity.hpp"
#include "dropnet/cpu/linear.hpp"
#include "dropnet/cpu/pool.hpp"
#include "dropnet/cpu/relu.hpp"
#include "dropnet/cpu/resize.hpp"
#include "dropnet/cpu/sgd.hpp"
#include "dropnet/cpu/softmax_loss.hpp"
