/* What value.c puts together with its own functions into those that a compiled page calls. */
#ifndef RL_BIND_TEMPLATE_PAGE_H
#define RL_BIND_TEMPLATE_PAGE_H

#include <lauxlib.h>

extern const luaL_Reg rl__page_methods[];
/* put(page, escaped, ...): prints values. Upvalues: 1 the kinds (kinds.h), 2 and 3 what prints the rest in Lua. */
int rl__page_put(lua_State *L);

#endif
