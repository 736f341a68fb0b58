/* The URLs of the HTTP client for Lua, taken apart and looked at; see client/location.h. */
#include <string.h>

#include "base/error.h"
#include "bind/client/client.h"
#include "client/location.h"
#include "client/path.h"
#include "vm/owner.h"

static void set_text(lua_State *L, const char *name, const char *text) {
  if (text) lua_pushstring(L, text), lua_setfield(L, -2, name);
}

static void push_location(lua_State *L, const rl_location *location) {
  lua_createtable(L, 0, 11);
  set_text(L, "url", location->url);
  set_text(L, "scheme", location->scheme);
  set_text(L, "host", location->host);
  set_text(L, "path", location->path);
  set_text(L, "query", location->query);
  set_text(L, "user", location->user);
  set_text(L, "password", location->password);
  set_text(L, "origin", location->origin);
  lua_pushinteger(L, location->port);
  lua_setfield(L, -2, "port");
  lua_pushboolean(L, location->secure);
  lua_setfield(L, -2, "secure");
  lua_pushboolean(L, location->disguised);
  lua_setfield(L, -2, "disguised");
}

typedef struct held_location {
  rl_owner owner; /* first */
  rl_location location;
} held_location;

static void free_location(void *object) { rl_location_free(object); }

/* url_parse(text, base?) -> {url, scheme, host, port, path, query, user, password, origin, secure, disguised}
 * | nil, what is wrong */
static int l_url_parse(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  const char *base = luaL_optstring(L, 2, NULL), *why = "it holds NUL";
  held_location *held = (held_location *)rl_owner_push_sized(L, sizeof *held, free_location);
  int code = strlen(text.data) == text.len ? rl_location_parse(&held->location, text.data, base, &why) : RL_EURL;
  if (code == RL_ENOMEM) return rl_error_raise(L, RL_ENOMEM, NULL);
  if (code) {
    lua_pushnil(L);
    lua_pushstring(L, why);
    return 2;
  }
  held->owner.object = &held->location;
  push_location(L, &held->location);
  rl_owner_release(&held->owner);
  return 1;
}

/* url_is_plain(text) -> whether it could be sent as it is, see rl_location_cut */
static int l_url_is_plain(lua_State *L) {
  rl_url_parts parts;
  lua_pushboolean(L, rl_location_cut(rl_check_slice(L, 1), &parts));
  return 1;
}

/* url_is_settled(text) -> whether url_parse would find it as it is, see client/location.h */
static int l_url_is_settled(lua_State *L) {
  lua_pushboolean(L, rl_location_is_settled(rl_check_slice(L, 1)));
  return 1;
}

/* url_climbs(path) -> whether it leads above what it is put below, see client/path.h */
static int l_url_climbs(lua_State *L) {
  lua_pushboolean(L, rl_path_climbs(rl_check_slice(L, 1)));
  return 1;
}

static const luaL_Reg functions[] = {{"url_climbs", l_url_climbs},
                                     {"url_is_plain", l_url_is_plain},
                                     {"url_is_settled", l_url_is_settled},
                                     {"url_parse", l_url_parse},
                                     {NULL, NULL}};

void rl_bind_client_url(lua_State *L) { luaL_setfuncs(L, functions, 0); }
