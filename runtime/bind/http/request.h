/*
 * What the files that make up `req` share: request.c has its fields and headers, request_body.c its body.
 */
#ifndef RL_BIND_HTTP_REQUEST_H
#define RL_BIND_HTTP_REQUEST_H

#include <lauxlib.h>

#include "app/serving.h"

/* Keys of the table of kept values, behind those of the fields: the body, and who wants to see the response. */
enum { RL_CACHED_BODY = 100, RL_CACHED_FINISHERS };

/* Returns the serving of the handle at `index`. Raises if the request has ended. */
rl_serving *rl_check_serving(lua_State *L, int index);
/* Leaves the table of values that the request at index 1 keeps on the stack. */
void rl_request_push_cached(lua_State *L);

extern const luaL_Reg rl_request_body_methods[], rl_request_body_functions[];

#endif
