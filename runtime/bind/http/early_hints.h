/*
 * req:early_hints{ link = … }: tells the client before the response what it will need (103, RFC 8297).
 */
#ifndef RL_BIND_HTTP_EARLY_HINTS_H
#define RL_BIND_HTTP_EARLY_HINTS_H

#include <lua.h>

int rl__request_early_hints(lua_State *L);

#endif
