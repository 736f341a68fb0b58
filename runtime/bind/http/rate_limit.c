/* What guards an app, for Lua: rate limits, networks, and what a trusted proxy says about a request. */
#include "app/serving.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "bind/http/request.h"
#include "http/request.h"
#include "net/cidr.h"
#include "server/limit.h"

/* ---- rate limits ------------------------------------------------------------------------------------------------------------ */

/* limit_take(name, key, rate, burst) -> nil, or seconds until there is a token again */
static int l_limit_take(lua_State *L) {
  rl_limit limit = {.name = rl_check_slice(L, 1), .rate = luaL_checknumber(L, 3), .burst = luaL_checknumber(L, 4)};
  rl_slice key = rl_check_slice(L, 2);
  rl_limit_table *table = rl_limit_table_shared();
  uint64_t wait_ms = table ? rl_limit_take(table, &limit, key, rl_loop_now(rl_vm_of(L)->loop)) : 0;
  if (wait_ms) lua_pushnumber(L, (lua_Number)wait_ms / 1000);
  else lua_pushnil(L);
  return 1;
}

/* client_key(address) -> what counts as one client: the address, or the /64 of an IPv6 one */
static int l_client_key(lua_State *L) {
  rl_ip ip;
  if (rl_ip_parse(rl_check_slice(L, 1), &ip)) {
    lua_settop(L, 1);
    return 1;
  }
  rl_cidr client = rl_cidr_of_client(&ip);
  lua_pushlstring(L, (const char *)client.ip.bytes, sizeof client.ip.bytes);
  return 1;
}

/* ---- networks ----------------------------------------------------------------------------------------------------------------- */

/* networks(list) -> set of networks, or nil and the one that is none */
static int l_networks(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer count = (lua_Integer)lua_rawlen(L, 1);
  rl_cidr *list = lua_newuserdatauv(L, (size_t)(count + 1) * sizeof *list, 0);
  luaL_setmetatable(L, "rille.networks");
  for (lua_Integer i = 0; i < count; i++) {
    lua_rawgeti(L, 1, i + 1);
    if (lua_type(L, -1) != LUA_TSTRING || rl_cidr_parse(rl_check_slice(L, -1), &list[i])) {
      lua_pushnil(L);
      lua_insert(L, -2);
      return 2;
    }
    lua_pop(L, 1);
  }
  return 1;
}

/* networks:has(address) -> boolean */
static int l_has(lua_State *L) {
  const rl_cidr *list = luaL_checkudata(L, 1, "rille.networks");
  size_t count = lua_rawlen(L, 1) / sizeof *list - 1;
  rl_ip ip;
  bool found = false;
  if (rl_ip_parse(rl_check_slice(L, 2), &ip) == 0)
    for (size_t i = 0; i < count && !found; i++) found = rl_cidr_has(&list[i], &ip);
  lua_pushboolean(L, found);
  return 1;
}

/* is_address(text) -> boolean; is_authority(text) -> boolean */
static int l_is_address(lua_State *L) {
  rl_ip ip;
  lua_pushboolean(L, rl_ip_parse(rl_check_slice(L, 1), &ip) == 0);
  return 1;
}

static int l_is_authority(lua_State *L) {
  lua_pushboolean(L, rl_authority_is_valid(rl_check_slice(L, 1)));
  return 1;
}

/* ---- behind a proxy -------------------------------------------------------------------------------------------------------------- */

static void set_slice(lua_State *L, int index, rl_req *req, rl_slice *field) {
  if (lua_isnil(L, index)) return;
  rl_slice copy = rl_arena_copy(&req->arena, rl_check_slice(L, index));
  if (!copy.data) rl_error_raise(L, RL_ENOMEM, NULL);
  *field = copy;
}

/* request_forward(req, remote, scheme, host): what the request is taken for from now on; nil leaves it */
static int l_request_forward(lua_State *L) {
  rl_req *req = rl_check_serving(L, 1)->req;
  lua_settop(L, 4);
  set_slice(L, 2, req, &req->remote);
  if (!lua_isnil(L, 3)) req->secure = rl_slice_eq(rl_check_slice(L, 3), RL_SLICE("https"));
  set_slice(L, 4, req, &req->host);
  return 0;
}

static const luaL_Reg functions[] = {{"limit_take", l_limit_take},
                                     {"client_key", l_client_key},
                                     {"networks", l_networks},
                                     {"is_address", l_is_address},
                                     {"is_authority", l_is_authority},
                                     {"request_forward", l_request_forward},
                                     {NULL, NULL}};

static const luaL_Reg networks_methods[] = {{"has", l_has}, {NULL, NULL}};

void rl_bind_rate_limit(lua_State *L) {
  rl_new_metatable(L, "rille.networks");
  luaL_newlib(L, networks_methods);
  lua_setfield(L, -2, "__index");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
