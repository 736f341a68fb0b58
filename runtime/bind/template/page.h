/* The page that a template writes to, and the functions of page.c that value.c adds to the table of functions that compiled
 * templates call. */
#ifndef RL_BIND_TEMPLATE_PAGE_H
#define RL_BIND_TEMPLATE_PAGE_H

#include <lauxlib.h>

#include "base/buf.h"

/* A page is a userdata that owns its buffers. */
typedef struct rl__page {
  rl_buf buf;
  rl_buf marks;  /* of size_t, ascending */
  bool finished; /* a macro that outlives its page must not write to it */
} rl__page;

/* Returns the page at `index`. Raises if it is none, or has been rendered. */
rl__page *rl__page_at(lua_State *L, int index);
/* Pushes a page that holds at most `limit` bytes. `expected` is how many it is likely to hold. */
void rl__page_push(lua_State *L, size_t limit, size_t expected);
/* Pushes the text of the page at `index`, which cannot be written to any more. Returns its length. */
size_t rl__page_finish(lua_State *L, int index);
/* Raises for a code of rl_buf: too large, out of memory. 0 is none. */
void rl__page_check(lua_State *L, int code);
/* Appends the value at `index` (absolute). Returns false if Lua must print it. Raises as rl__page_check does. Upvalue 1 of the
 * function that runs is the kinds (kinds.h). */
bool rl__page_add_value(lua_State *L, rl__page *p, int index, bool escaped);

extern const luaL_Reg rl__page_methods[];
/* put(page, letters, ...): prints values. Upvalues: 1 the kinds (kinds.h), 2 and 3 the Lua functions that print the others. */
int rl__page_put(lua_State *L);

#endif
