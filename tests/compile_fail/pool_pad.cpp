#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = MaxPool<3, Pad<2>>;
#else
using Spec = MaxPool<2, Pad<2>>;
#endif

Network<Spec, Image<1, 6, 6>> net;
