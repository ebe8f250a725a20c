#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Sequential<Conv<4, 3>, ReLU>;
#else
using Spec = Conv<4, 3, ReLU>;
#endif

Network<Spec, Image<1, 6, 6>> net;
