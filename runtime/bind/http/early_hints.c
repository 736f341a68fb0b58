/*
 * req:early_hints{ link = … }: tells the client before the response what it will need (103, RFC 8297).
 */
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/request.h"
#include "http/response.h"

enum { FIELDS_MOST = 64 };

/* Fields as they are found in the table; names and values are strings in it. */
typedef struct found {
  rl_header fields[FIELDS_MOST];
  size_t count;
} found;

static void add_field(lua_State *L, found *to, rl_slice name, int value_index) {
  if (lua_type(L, value_index) != LUA_TSTRING)
    luaL_error(L, "early_hints: %s needs a string or a list of them, got a %s", name.data,
               luaL_typename(L, value_index));
  rl_slice value = rl_check_slice(L, value_index);
  if (!rl_header_value_is_safe(value)) luaL_error(L, "early_hints: %s: the value holds a control character", name.data);
  if (to->count == FIELDS_MOST) luaL_error(L, "early_hints: more than %d fields", FIELDS_MOST);
  to->fields[to->count++] = (rl_header){.name = name, .value = value, .id = (uint8_t)rl_header_id_of(name)};
}

static void add_list(lua_State *L, found *to, rl_slice name, int list) {
  lua_Unsigned len = lua_rawlen(L, list);
  for (lua_Unsigned i = 1; i <= len; i++) {
    lua_rawgeti(L, list, (lua_Integer)i);
    add_field(L, to, name, -1);
    lua_pop(L, 1);
  }
}

/* The name at index -2, its value or values at -1. */
static void add_named(lua_State *L, found *to) {
  if (lua_type(L, -2) != LUA_TSTRING)
    luaL_error(L,
               "early_hints takes names and values: req:early_hints { link = \"</app.css>; rel=preload; as=style\" }");
  rl_slice name = rl_check_slice(L, -2);
  if (!rl_header_name_is_safe(name)) luaL_error(L, "early_hints: a name is letters, digits and !#$%%&'*+-.^_`|~ only");
  if (rl_resp_header_is_ours(name)) luaL_error(L, "early_hints: %s is set by the server itself", name.data);
  if (lua_type(L, -1) == LUA_TTABLE) add_list(L, to, name, lua_gettop(L));
  else add_field(L, to, name, -1);
}

/* req:early_hints{ name = value or list } -> req; raises once the response has begun. A client that has gone, or speaks HTTP/1.0, gets
 * none. */
static int early_hints(lua_State *L) {
  const rl_serving *s = rl_check_serving(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  found all = {.count = 0};
  for (lua_pushnil(L); lua_next(L, 2); lua_pop(L, 1)) add_named(L, &all);
  if (s->req->responded) return rl_error_mistake(L, "early_hints: the response has begun; hints come before it");
  if (all.count && !s->gone && s->req->ops->hint(s->req, all.fields, all.count) == RL_ENOMEM)
    return rl_error_raise(L, RL_ENOMEM, NULL);
  lua_settop(L, 1);
  return 1;
}

const luaL_Reg rl_request_hint_methods[] = {{"early_hints", early_hints}, {NULL, NULL}};
