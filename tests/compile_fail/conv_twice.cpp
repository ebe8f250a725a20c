#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Conv<4, 3, Pad<1>, Stride<2>>;
#else
using Spec = Conv<4, 3, Pad<1>, Pad<2>>;
#endif

Network<Spec, Image<1, 6, 6>> net;
