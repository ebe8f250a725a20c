#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = DropInStack<Conv<2, 3>, Conv<2, 3, Pad<1>>, 0>;
#else
using Spec = DropInStack<Conv<2, 3>, Conv<2, 3, Pad<1>>, -1>;
#endif

Network<Spec, Image<1, 6, 6>> net;
