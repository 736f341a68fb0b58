/*
 * Headers gathered by name for Lua: lower-case name -> value, several values joined with ", " (those of Cookie with "; ").
 * Each header is touched once, however many have the same name.
 *
 *   table    name -> string, or while it is gathered a list of strings where there is more than one
 */
#include "bind/core/joined.h"
#include "base/ascii.h"
#include "bind/bind.h"

void rl_push_lower(lua_State *L, rl_slice s) {
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, s.len + 1);
  for (size_t i = 0; i < s.len; i++) out[i] = rl_lower(s.data[i]);
  luaL_pushresultsize(&b, s.len);
}

void rl_joined_add(lua_State *L, int table, rl_slice name, rl_slice value) {
  luaL_checkstack(L, 6, "headers");
  rl_push_lower(L, name);
  lua_pushvalue(L, -1);
  int before = lua_rawget(L, table);
  if (before == LUA_TNIL) {
    lua_pop(L, 1);
    rl_push_slice(L, value);
    lua_rawset(L, table);
    return;
  }
  if (before == LUA_TSTRING) { /* name, value -> name, {value}, which is kept */
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, table);
  }
  rl_push_slice(L, value);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  lua_pop(L, 2);
}

/* The list on top becomes its items with `separator` between them. */
static void join(lua_State *L, const char *separator) {
  int list = lua_gettop(L);
  lua_Integer count = (lua_Integer)lua_rawlen(L, list);
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  for (lua_Integer i = 1; i <= count; i++) {
    if (i > 1) luaL_addstring(&b, separator);
    lua_rawgeti(L, list, i);
    luaL_addvalue(&b);
  }
  luaL_pushresult(&b);
  lua_replace(L, list);
}

void rl_joined_finish(lua_State *L, int table) {
  luaL_checkstack(L, 8, "headers");
  for (lua_pushnil(L); lua_next(L, table);) {
    if (lua_istable(L, -1)) {
      join(L, rl_slice_eq(rl_check_slice(L, -2), RL_SLICE("cookie")) ? "; " : ", ");
      lua_pushvalue(L, -2);
      lua_insert(L, -2);
      lua_rawset(L, table);
    } else {
      lua_pop(L, 1);
    }
  }
}
