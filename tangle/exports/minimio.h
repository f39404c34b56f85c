/* For the shared library: its sources find this header before the real one,
   and are compiled with -fvisibility=hidden. So what minimio.h declares is
   exported, on every system and by every linker, and nothing else is. */
#pragma GCC visibility push(default)
#include "../../generated/include/minimio.h"
#pragma GCC visibility pop
