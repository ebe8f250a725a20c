#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = DropIn<Conv<20, 5>, Conv<20, 3>, Resize<20, 22, 22>>;
#else
using Spec = DropIn<Conv<20, 5>, Conv<20, 3>, Conv<20, 3>>;
#endif

Network<Spec, Image<1, 28, 28>> net;
