#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Conv<4, 7, Pad<1>>;
#else
using Spec = Conv<4, 7>;
#endif

Network<Spec, Image<1, 6, 6>> net;
