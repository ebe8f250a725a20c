#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Add<Identity, Conv<20, 3, Pad<1>>>;
#else
using Spec = Add<Identity, Conv<20, 3>>;
#endif

Network<Spec, Image<20, 8, 8>> net;
