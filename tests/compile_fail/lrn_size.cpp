#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = LRN<5>;
#else
using Spec = LRN<4>;
#endif

Network<Spec, Image<2, 8, 8>> net;
