/* The headers of a response for Lua: set, added, removed, read, each checked when it is set. See app/answer.h. */
#include <string.h>
#include <strings.h>
#include "app/answer.h"
#include "app/serving.h"
#include "base/date.h"
#include "base/error.h"
#include "base/url.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/joined.h"
#include "bind/http/http.h"
#include "bind/http/request.h"
#include "bind/http/response.h"
#include "http/header.h"
#include "http/status.h"
#include "vm/owner.h"

/* Of a stream, whose length the program may know, or of what answers HEAD without making a body. */
static void check_length(lua_State *L, const rl_res *res, rl_slice value) {
  uint64_t length;
  if (res->kind == RL_RES_FILE) luaL_error(L, "the Content-Length of a file's response is set by the server itself");
  if (!rl_res_read_length(value, &length))
    luaL_error(L, "header Content-Length is a number of bytes, got '%s'", value.data);
}

void rl__res_check_header(lua_State *L, const rl_res *res, int name_index, int value_index) {
  rl_slice name = rl_check_slice(L, name_index);
  if (lua_type(L, value_index) != LUA_TSTRING && lua_type(L, value_index) != LUA_TNUMBER)
    luaL_error(L, "header %s needs a string, got a %s", lua_tostring(L, name_index), luaL_typename(L, value_index));
  rl_slice value = rl_check_slice(L, value_index);
  if (!rl_header_name_is_safe(name)) luaL_error(L, "a header name is letters, digits and !#$%%&'*+-.^_`|~ only");
  if (!rl_header_value_is_safe(value))
    luaL_error(L, "header %s: the value holds a line break, NUL or another control character",
               lua_tostring(L, name_index));
  if (rl_header_id_of(name) == RL_HEADER_CONTENT_LENGTH) {
    check_length(L, res, value);
    return;
  }
  if (rl_resp_header_is_ours(name)) luaL_error(L, "header %s is set by the server itself", lua_tostring(L, name_index));
  if (!value.len && rl_header_id_of(name) == RL_HEADER_LOCATION)
    luaL_error(L, "a redirect needs a target: it is empty");
}

static bool is_length(lua_State *L, int name_index) {
  return rl_header_id_of(rl_check_slice(L, name_index)) == RL_HEADER_CONTENT_LENGTH;
}

/* A size is often a float, such as 64 * 2^20. */
static void settle_length(lua_State *L, int name_index, int value_index) {
  int exact = 0;
  lua_Integer length = lua_type(L, value_index) == LUA_TNUMBER ? lua_tointegerx(L, value_index, &exact) : 0;
  if (!exact || !is_length(L, name_index)) return;
  lua_pushinteger(L, length);
  lua_replace(L, value_index);
}

static bool same_name(lua_State *L, int a, int b) {
  size_t a_len, b_len;
  const char *x = lua_tolstring(L, a, &a_len), *y = lua_tolstring(L, b, &b_len);
  return rl_slice_eq_nocase(rl_slice_of(x, a_len), rl_slice_of(y, b_len));
}

/* Removes every pair of that name from the list on top of the stack. */
void rl__res_remove_header(lua_State *L, int name_index) {
  lua_Integer count = (lua_Integer)lua_rawlen(L, -1), kept = 0;
  for (lua_Integer i = 1; i < count; i += 2) {
    lua_rawgeti(L, -1, i);
    bool drop = same_name(L, -1, name_index);
    lua_rawgeti(L, -2, i + 1);
    if (!drop) {
      lua_rawseti(L, -3, kept + 2);
      lua_rawseti(L, -2, kept + 1);
      kept += 2;
    } else {
      lua_pop(L, 2);
    }
  }
  for (lua_Integer i = count; i > kept; i--) {
    lua_pushnil(L);
    lua_rawseti(L, -2, i);
  }
}

/* response:header(name, value) -> response: replaces; nil removes */
static int res_header(lua_State *L) {
  rl_res *res = rl__res_check(L, 1);
  if (lua_isnoneornil(L, 3)) {
    if (strcasecmp(luaL_checkstring(L, 2), "content-type") == 0) res->content_type = NULL;
    rl_res_push_headers(L, 1);
    rl__res_remove_header(L, 2);
  } else {
    settle_length(L, 2, 3);
    rl__res_check_header(L, res, 2, 3);
    rl_res_push_headers(L, 1);
    rl__res_remove_header(L, 2);
    rl_res_append_header(L, 2, 3);
  }
  lua_settop(L, 1);
  return 1;
}

/* response:add_header(name, value) -> response */
static int res_add_header(lua_State *L) {
  const rl_res *res = rl__res_check(L, 1);
  settle_length(L, 2, 3);
  rl__res_check_header(L, res, 2, 3);
  rl_res_push_headers(L, 1);
  if (is_length(L, 2)) rl__res_remove_header(L, 2);
  rl_res_append_header(L, 2, 3);
  lua_settop(L, 1);
  return 1;
}

/* Pushes the list of headers, or nil; returns how many items it has. */
static lua_Integer get_headers(lua_State *L, int res_index) {
  return lua_getiuservalue(L, res_index, 2) == LUA_TTABLE ? (lua_Integer)lua_rawlen(L, -1) : 0;
}

/* Where the next header of that name is in the list at `list`, from `i` on; behind `count` where there is none. */
static lua_Integer find_header(lua_State *L, int list, lua_Integer count, lua_Integer i, int name_index) {
  for (; i < count; i += 2) {
    lua_rawgeti(L, list, i);
    bool same = same_name(L, -1, name_index);
    lua_pop(L, 1);
    if (same) break;
  }
  return i;
}

/* Pushes the values of a name joined by ", ", or nil. */
static void push_header_value(lua_State *L, int res_index, int name_index) {
  const rl_res *res = lua_touserdata(L, res_index);
  lua_Integer count = get_headers(L, res_index);
  int list = lua_gettop(L);
  lua_Integer first = find_header(L, list, count, 1, name_index);
  if (first < count) {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (lua_Integer i = first; i < count; i = find_header(L, list, count, i + 2, name_index)) {
      if (i != first) luaL_addstring(&b, ", ");
      lua_rawgeti(L, list, i + 1);
      luaL_addvalue(&b);
    }
    luaL_pushresult(&b);
  } else if (res->content_type && strcasecmp(lua_tostring(L, name_index), "content-type") == 0) {
    lua_pushstring(L, res->content_type);
  } else {
    lua_pushnil(L);
  }
  lua_remove(L, list);
}

/* Pushes the response of a view. Its metamethods can be had by the debug library, and called with anything. */
static void push_viewed(lua_State *L) {
  luaL_checkudata(L, 1, "rille.response_headers");
  lua_getiuservalue(L, 1, 1);
}

/* The view `response.headers`: reads and writes go to the response. */
static int view_index(lua_State *L) {
  luaL_checkstring(L, 2);
  push_viewed(L);
  push_header_value(L, lua_gettop(L), 2);
  return 1;
}

static int view_newindex(lua_State *L) {
  push_viewed(L);
  lua_replace(L, 1);
  return res_header(L);
}

/* pairs(response.headers): lower-case name, joined values */
static int view_pairs(lua_State *L) {
  push_viewed(L);
  int res = lua_gettop(L);
  lua_getglobal(L, "next");
  lua_newtable(L);
  int table = lua_gettop(L);
  const char *type = ((rl_res *)lua_touserdata(L, res))->content_type;
  if (type) lua_pushstring(L, type), lua_setfield(L, table, "content-type");
  lua_Integer count = get_headers(L, res);
  for (lua_Integer i = 1; i < count; i += 2) {
    lua_rawgeti(L, table + 1, i);
    lua_rawgeti(L, table + 1, i + 1);
    rl_slice name = rl_check_slice(L, -2), value = rl_check_slice(L, -1);
    if (type && rl_slice_eq_nocase(name, RL_SLICE("content-type"))) {
      type = NULL; /* the program's own stands instead of it */
      lua_pushnil(L), lua_setfield(L, table, "content-type");
    }
    rl_joined_add(L, table, name, value);
    lua_pop(L, 2);
  }
  lua_settop(L, table);
  rl_joined_finish(L, table);
  lua_pushnil(L);
  return 3;
}

void rl__res_push_view(lua_State *L) {
  lua_newuserdatauv(L, 0, 1);
  luaL_setmetatable(L, "rille.response_headers");
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
}

const luaL_Reg rl__response_header_methods[] = {{"header", res_header}, {"add_header", res_add_header}, {NULL, NULL}};

static const luaL_Reg view_methods[] = {
    {"__index", view_index}, {"__newindex", view_newindex}, {"__pairs", view_pairs}, {NULL, NULL}};

void rl__response_headers_open(lua_State *L) {
  rl_new_metatable(L, "rille.response_headers");
  luaL_setfuncs(L, view_methods, 0);
  lua_pop(L, 1);
}
