/* The functions of page.c that value.c adds to the table of functions that compiled templates call. */
#ifndef RL_BIND_TEMPLATE_PAGE_H
#define RL_BIND_TEMPLATE_PAGE_H

#include <lauxlib.h>

extern const luaL_Reg rl__page_methods[];
/* put(page, letters, ...): prints values. Upvalues: 1 the kinds (kinds.h), 2 and 3 the Lua functions that print the others. */
int rl__page_put(lua_State *L);

#endif
