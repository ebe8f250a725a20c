#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = Repeat<Conv<3, 3, Pad<1>>, 2>;
#else
using Spec = Repeat<Conv<3, 3>, 2>;
#endif

Network<Spec, Image<3, 8, 8>> net;
