#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Add<Identity, Identity>;
#else
using Spec = Add<Identity>;
#endif

Network<Spec, Image<2, 8, 8>> net;
