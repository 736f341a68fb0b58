/*
 * Headers gathered by name for Lua: lower-case name -> value, several values joined with ", " (those of Cookie with "; ").
 */
#ifndef RL_BIND_CORE_JOINED_H
#define RL_BIND_CORE_JOINED_H

#include "bind/bind.h"

/* A string in lower case (ASCII). */
void rl_push_lower(lua_State *L, rl_slice s);
/* Headers gathered by name in the table at index `table` (positive): all are added, then it is finished. See joined.c. */
void rl_joined_add(lua_State *L, int table, rl_slice name, rl_slice value);
void rl_joined_finish(lua_State *L, int table);

#endif
