/*
 * The links of a middleware chain. A middleware calls handler(req) and gets a response object or what was raised inside:
 * so each link turns what the function behind it returned, or a response it raised, into a response.
 */
#include "app/answer.h"
#include "app/serving.h"
#include "bind/bind.h"
#include "bind/http/http.h"

static int link_k(lua_State *L, int status, lua_KContext number) {
  rl_protect_leave(L, (unsigned)number, false);
  if (status == LUA_OK || status == LUA_YIELD) {
    bool last = lua_isnil(L, lua_upvalueindex(3));
    rl_returned from = {.who = last ? "the handler of" : "a middleware around",
                        .label = lua_tostring(L, lua_upvalueindex(2)),
                        .function = lua_upvalueindex(1)};
    rl_res_from_results(L, lua_gettop(L) - 1, &from);
    return 1;
  }
  return rl_res_at(L, -1) ? 1 : lua_error(L);
}

/* Upvalues: 1 the function, 2 a label for messages, 3 the next link, or nil behind the last. */
static int call_link(lua_State *L) {
  lua_settop(L, 1);
  lua_pushcfunction(L, rl_raised_handler);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 1);
  lua_pushvalue(L, lua_upvalueindex(3));
  lua_remove(L, 1);
  lua_KContext number = rl_protect_enter(L);
  return link_k(L, lua_pcallk(L, 2, LUA_MULTRET, 1, number, link_k), number);
}

/* link(f, label, next?) -> function(req) -> response, which calls f(req, next) */
static int l_link(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  luaL_checktype(L, 2, LUA_TSTRING);
  lua_settop(L, 3);
  lua_pushcclosure(L, call_link, 3);
  return 1;
}

static const luaL_Reg functions[] = {{"link", l_link}, {NULL, NULL}};

void rl_bind_chain(lua_State *L) {
  rl_lets_waits_through(L, call_link);
  luaL_setfuncs(L, functions, 0);
}
