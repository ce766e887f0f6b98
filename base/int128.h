// A 128-bit integer, which both compilers have and the standard does not.
#pragma once

namespace fairlead {

__extension__ using Int128 = __int128;

}  // namespace fairlead
