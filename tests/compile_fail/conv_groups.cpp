#include <dropnet/dropnet.hpp>
using namespace dropnet;

#ifdef CORRECTED
using In = Image<4, 6, 6>;
#else
using In = Image<3, 6, 6>;
#endif

Network<Conv<4, 3, Groups<2>>, In> net;
