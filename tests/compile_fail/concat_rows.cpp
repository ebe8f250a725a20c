#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Concat<Conv<4, 1>, Conv<4, 3, Pad<1>>>;
#else
using Spec = Concat<Conv<4, 1>, Conv<4, 3>>;
#endif

Network<Spec, Image<2, 8, 8>> net;
