/* Arguments that many functions take; see bind.h. */
#include "bind/bind.h"

#include <math.h>

double rl_check_seconds(lua_State *L, int index) {
  double seconds = luaL_checknumber(L, index);
  luaL_argcheck(L, seconds >= 0, index, "a duration in seconds is not negative"); /* NaN too */
  return seconds;
}

lua_Integer rl_check_size(lua_State *L, int index) {
  int exact;
  lua_Integer size = lua_tointegerx(L, index, &exact);
  if (!exact) luaL_argerror(L, index, "a size in bytes is a whole number");
  luaL_argcheck(L, size >= 0, index, "a size in bytes is not negative");
  return size;
}
