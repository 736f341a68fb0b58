/*
 * The URLs of the HTTP client for Lua. A location is a value: it is parsed once and goes, as it is, from lua/rille/client/url.lua
 * through cookies, redirects and the transport to the wire.
 *
 *   location userdata ("rille.client_location")     the slices; its user values: the text that they cut, user, password
 */
#include <string.h>

#include "base/error.h"
#include "bind/client/client.h"
#include "client/path.h"
#include "client/url.h"
#include "vm/owner.h"

enum { TEXT = 1, USER, PASSWORD };

typedef struct location {
  rl_location at;
  bool disguised;
} location;

/* ---- making one ---------------------------------------------------------------------------------------------------- */

/* Pushes one that is filled by the caller, and whose text is at that index. */
static location *push_location(lua_State *L, int text_index, int values) {
  location *l = lua_newuserdatauv(L, sizeof *l, values);
  l->disguised = false;
  lua_pushvalue(L, text_index);
  lua_setiuservalue(L, -2, TEXT);
  rl_vm_push_ref(L, RL_REF_LOCATION_META);
  lua_setmetatable(L, -2);
  return l;
}

static bool take(lua_State *L, int text_index, rl_slice text) {
  rl_location at;
  if (!rl_location_take(&at, text)) return false;
  push_location(L, text_index, TEXT)->at = at;
  return true;
}

static void set_value(lua_State *L, int which, const char *text) {
  if (text) lua_pushstring(L, text), lua_setiuservalue(L, -2, which);
}

typedef struct held_url {
  rl_owner owner; /* first */
  rl_parsed_url url;
} held_url;

static void free_url(void *object) { rl_parsed_url_free(object); }

static void push_parsed(lua_State *L, const rl_parsed_url *url) {
  const char *text = lua_pushstring(L, url->text);
  location *l = push_location(L, lua_gettop(L), PASSWORD);
  l->at = rl_location_move(&url->location, text);
  l->disguised = url->disguised;
  set_value(L, USER, url->user);
  set_value(L, PASSWORD, url->password);
}

/* Pushes what it becomes and returns 0, or returns a code, with `why` for RL_EURL. */
static int parse(lua_State *L, rl_slice text, const rl_location *base, const char **why) {
  *why = "it holds NUL";
  if (strlen(text.data) != text.len) return RL_EURL;
  held_url *held = (held_url *)rl_owner_push_sized(L, sizeof *held, free_url);
  int code = rl_url_parse(&held->url, text.data, base, why);
  if (code) return code;
  held->owner.object = &held->url;
  push_parsed(L, &held->url);
  rl_owner_release(&held->owner);
  return RL_OK;
}

static const location *check_location(lua_State *L, int index) {
  return rl_check_userdata(L, index, RL_REF_LOCATION_META, "rille.client_location");
}

const rl_location *rl_client_location_check(lua_State *L, int index) {
  const char *why;
  if (lua_type(L, index) == LUA_TSTRING) {
    rl_slice text = rl_check_slice(L, index);
    int code = take(L, index, text) ? RL_OK : parse(L, text, NULL, &why);
    if (code) rl_error_raise(L, code, NULL);
    lua_replace(L, index);
  }
  return &check_location(L, index)->at;
}

const char *rl_client_location_push_text(lua_State *L, int index) {
  lua_getiuservalue(L, index, TEXT);
  return lua_tostring(L, -1);
}

/* ---- its fields ---------------------------------------------------------------------------------------------------- */

static void push_optional(lua_State *L, rl_slice text) {
  if (text.data) rl_push_slice(L, text);
  else lua_pushnil(L);
}

/* Cookies and the address policy know an address without its zone. */
static void push_host(lua_State *L, rl_slice host) {
  size_t zone = rl_slice_find(host, '%', 0);
  rl_push_slice(L, rl_slice_of(host.data, zone));
  if (zone < host.len) lua_pushliteral(L, "]"), lua_concat(L, 2);
}

/* "https://example.com:443": equal for all locations of one origin (RFC 6454). */
static void push_origin(lua_State *L, const rl_location *at) {
  lua_pushstring(L, at->secure ? "https://" : "http://");
  rl_push_slice(L, at->host);
  lua_pushfstring(L, ":%d", at->port);
  lua_concat(L, 3);
}

enum { URL, SCHEME, HOST, PORT, PATH, QUERY, USER_NAME, PASS, ORIGIN, SECURE, DISGUISED };

static const char *const fields[] = {"url",  "scheme",   "host",   "port",   "path",      "query",
                                     "user", "password", "origin", "secure", "disguised", NULL};

static void push_field(lua_State *L, const location *l, int field) {
  switch (field) {
    case URL: lua_getiuservalue(L, 1, TEXT); break;
    case SCHEME: lua_pushstring(L, l->at.secure ? "https" : "http"); break;
    case HOST: push_host(L, l->at.host); break;
    case PORT: lua_pushinteger(L, l->at.port); break;
    case PATH: rl_push_slice(L, l->at.path); break;
    case QUERY: push_optional(L, l->at.query); break;
    case USER_NAME: lua_getiuservalue(L, 1, USER); break;
    case PASS: lua_getiuservalue(L, 1, PASSWORD); break;
    case ORIGIN: push_origin(L, &l->at); break;
    case SECURE: lua_pushboolean(L, l->at.secure); break;
    default: lua_pushboolean(L, l->disguised); break;
  }
}

/* location.url, .scheme, .host, .port, .path, .query, .user, .password, .origin, .secure, .disguised; nil for what there is
 * not. The upvalue: name -> number. */
static int location_index(lua_State *L) {
  const location *l = check_location(L, 1);
  lua_settop(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNUMBER) return lua_pushnil(L), 1;
  push_field(L, l, (int)lua_tointeger(L, -1));
  return 1;
}

/* ---- functions ----------------------------------------------------------------------------------------------------- */

/* url_parse(text, base?) -> location | nil, what is wrong; base: a location */
static int l_url_parse(lua_State *L) {
  const char *why;
  rl_slice text = rl_check_slice(L, 1);
  lua_settop(L, 2);
  const rl_location *base = lua_isnil(L, 2) ? NULL : rl_client_location_check(L, 2);
  if (take(L, 1, text)) return 1;
  int code = parse(L, text, base, &why);
  if (code == RL_ENOMEM) return rl_error_raise(L, RL_ENOMEM, NULL);
  if (code == RL_OK) return 1;
  lua_pushnil(L);
  lua_pushstring(L, why);
  return 2;
}

/* url_take(text) -> location, if the text is written as we would write it, or nil; see rl_location_take */
static int l_url_take(lua_State *L) {
  if (!take(L, 1, rl_check_slice(L, 1))) lua_pushnil(L);
  return 1;
}

/* url_is_plain(text) -> true if it could be sent as it is; see rl_location_is_plain */
static int l_url_is_plain(lua_State *L) {
  lua_pushboolean(L, rl_location_is_plain(rl_check_slice(L, 1)));
  return 1;
}

/* url_climbs(path) -> true if it leads above what it is put below; see client/path.h */
static int l_url_climbs(lua_State *L) {
  lua_pushboolean(L, rl_path_climbs(rl_check_slice(L, 1)));
  return 1;
}

/* url_cut_count() -> how many URLs this thread has parsed; for tests */
static int l_url_cut_count(lua_State *L) {
  lua_pushinteger(L, (lua_Integer)rl_location_cut_count());
  return 1;
}

static const luaL_Reg functions[] = {{"url_climbs", l_url_climbs},     {"url_cut_count", l_url_cut_count},
                                     {"url_is_plain", l_url_is_plain}, {"url_parse", l_url_parse},
                                     {"url_take", l_url_take},         {NULL, NULL}};

static void push_field_numbers(lua_State *L) {
  lua_newtable(L);
  for (int i = 0; fields[i]; i++) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, fields[i]);
  }
}

void rl_bind_client_url(lua_State *L) {
  rl_new_metatable(L, "rille.client_location");
  push_field_numbers(L);
  lua_pushcclosure(L, location_index, 1);
  lua_setfield(L, -2, "__index");
  rl_vm_keep_meta(L, RL_REF_LOCATION_META);
  luaL_setfuncs(L, functions, 0);
}
