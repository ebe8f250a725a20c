#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = DropInStack<Conv<20, 5>, Conv<20, 3, Pad<1>>, 2>;
#else
using Spec = DropInStack<Conv<20, 5>, Conv<10, 3, Pad<1>>, 2>;
#endif

Network<Spec, Image<1, 28, 28>> net;
