#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using Spec = MaxPool<6>;
#else
using Spec = MaxPool<9>;
#endif

Network<Spec, Image<1, 6, 6>> net;
