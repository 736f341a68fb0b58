/*
 * The bindings of rille.native.http: apps, requests and their bodies, responses, sessions, static files, rate limits.
 */
#ifndef RL_BIND_HTTP_HTTP_H
#define RL_BIND_HTTP_HTTP_H

#include "bind/bind.h"

/* Each adds the functions of its file to the table on top of the stack. */
void rl_bind_app(lua_State *L);
void rl_bind_chain(lua_State *L);
void rl_bind_compress(lua_State *L);
void rl_bind_form(lua_State *L);
void rl_bind_rate_limit(lua_State *L);
void rl_bind_local(lua_State *L);
void rl_bind_out(lua_State *L);
void rl_bind_request(lua_State *L);
void rl_bind_response(lua_State *L);
void rl_bind_server(lua_State *L);
void rl_bind_client_certificate(lua_State *L);
void rl_bind_session(lua_State *L);
void rl_bind_spool(lua_State *L);
void rl_bind_static(lua_State *L);

#endif
