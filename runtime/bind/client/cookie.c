/* Cookies of the HTTP client for Lua: a field cut, a domain judged; the jar is Lua's (lua/rille/client/cookies.lua). */
#include "bind/bind.h"
#include "bind/client/client.h"
#include "client/host.h"
#include "client/set_cookie.h"
#include "client/suffix.h"

/* set_cookie_cut(field) -> name, value, {attribute, value, …} | nil if the cookie is ignored */
static int l_set_cookie_cut(lua_State *L) {
  rl_set_cookie cookie;
  const char *name;
  rl_slice value;
  lua_Integer count = 0;
  if (!rl_set_cookie_cut(rl_check_slice(L, 1), &cookie)) return lua_pushnil(L), 1;
  rl_push_slice(L, cookie.name);
  rl_push_slice(L, cookie.value);
  lua_newtable(L);
  while (rl_set_cookie_next(&cookie, &name, &value)) {
    lua_pushstring(L, name);
    lua_rawseti(L, -2, ++count);
    rl_push_slice(L, value);
    lua_rawseti(L, -2, ++count);
  }
  return 3;
}

/* suffix_is_public(domain) -> whether anybody may have a name below it */
static int l_suffix_is_public(lua_State *L) {
  lua_pushboolean(L, rl_suffix_is_public(rl_check_slice(L, 1)));
  return 1;
}

/* host_is_address(host) -> whether it is an address, as hosts of URLs are written */
static int l_host_is_address(lua_State *L) {
  rl_slice host = rl_check_slice(L, 1);
  lua_pushboolean(L, (host.len && host.data[0] == '[') || rl_host_is_ipv4(host));
  return 1;
}

static const luaL_Reg functions[] = {{"set_cookie_cut", l_set_cookie_cut},
                                     {"suffix_is_public", l_suffix_is_public},
                                     {"host_is_address", l_host_is_address},
                                     {NULL, NULL}};

void rl_bind_client_cookie(lua_State *L) { luaL_setfuncs(L, functions, 0); }
