/*
 * Declarations that the files of `req` share: request.c has its fields and headers, request_body.c its body.
 */
#ifndef RL_BIND_HTTP_REQUEST_H
#define RL_BIND_HTTP_REQUEST_H

#include <lauxlib.h>

#include "app/serving.h"

/* Keys of the table of cached values, above those of the fields: the body, and the list of functions of request_finish. */
enum { RL_CACHED_BODY = 100, RL_CACHED_FINISHERS };

/* Returns the serving of the handle at `index`. Raises if the request has ended. */
rl_serving *rl_check_serving(lua_State *L, int index);
/* Pushes the table of cached values of the request at index 1. Makes it if there is none. */
void rl_request_push_cached(lua_State *L);

/* req:early_hints (early_hints.c). */
extern const luaL_Reg rl_request_hint_methods[];

/* Methods of req, and functions of the native module, that read the body. */
extern const luaL_Reg rl_request_body_methods[], rl_request_body_functions[];

#endif
