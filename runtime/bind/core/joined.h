/*
 * Gathers headers by name for Lua: lower-case name -> value. Several values are joined with ", " (RFC 9110 section 5.3), those of
 * Cookie with "; " (RFC 9113 section 8.2.3).
 */
#ifndef RL_BIND_CORE_JOINED_H
#define RL_BIND_CORE_JOINED_H

#include "bind/bind.h"

/* Pushes a string in lower case (ASCII). */
void rl_push_lower(lua_State *L, rl_slice s);
/* Adds a header to the table at the positive index `table`. */
void rl_joined_add(lua_State *L, int table, rl_slice name, rl_slice value);
/* Joins the values, after all headers were added. */
void rl_joined_finish(lua_State *L, int table);

#endif
