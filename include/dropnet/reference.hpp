#pragma once

#include "dropnet/reference/backend.hpp"
#include "dropnet/reference/conv.hpp"
#include "dropnet/reference/dropin.hpp"
#include "dropnet/reference/dropout.hpp"
#include "dropnet/reference/finite.hpp"
#include "dropnet/reference/identity.hpp"
#include "dropnet/reference/linear.hpp"
#include "dropnet/reference/pool.hpp"
#include "dropnet/reference/relu.hpp"
#include "dropnet/reference/resize.hpp"
#include "dropnet/reference/sgd.hpp"
#include "dropnet/reference/softmax_loss.hpp"
