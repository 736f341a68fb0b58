/*
 * What the files that make up responses for Lua share: response.c makes them and has their fields, response_headers.c their headers.
 */
#ifndef RL_BIND_HTTP_RESPONSE_H
#define RL_BIND_HTTP_RESPONSE_H

#include "app/answer.h"
#include "bind/bind.h"

/* Returns the response at `index`. Raises if it is none. */
rl_res *rl__res_check(lua_State *L, int index);
/* Checks the name and the value, strings or numbers at these indices, of a header of `res`. Raises if they cannot be sent. */
void rl__res_check_header(lua_State *L, const rl_res *res, int name_index, int value_index);
/* Removes the headers of that name from the response at 1. */
void rl__res_remove_header(lua_State *L, int name_index);
/* Pushes a view of the headers of the response at 1, to be read and set by name. */
void rl__res_push_view(lua_State *L);

extern const luaL_Reg rl__response_header_methods[];
/* Makes the metatable of that view. */
void rl__response_headers_open(lua_State *L);

#endif
