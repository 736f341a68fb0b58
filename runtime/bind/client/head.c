/*
 * The headers of a response for Lua: read in any case, repeated ones joined with ", ", each alone by header_all. The fields
 * are cut already (http/h1/response_head.h); they become Lua strings when they are asked for.
 *
 *   [count | fields … | bytes …]        one userdata, nothing else
 */
#include <string.h>

#include "base/error.h"
#include "bind/client/client.h"
#include "bind/core/core.h"
#include "bind/core/joined.h"

typedef struct headers {
  size_t count;
  rl_response_head_field fields[];
} headers;

static const char *bytes_of(const headers *h) { return (const char *)(h->fields + h->count); }

static headers *new_headers(lua_State *L, size_t count, size_t bytes) {
  headers *h = lua_newuserdatauv(L, sizeof *h + count * sizeof *h->fields + bytes, 0);
  h->count = count;
  rl_vm_push_ref(L, RL_REF_HEADERS_META);
  lua_setmetatable(L, -2);
  return h;
}

void rl_client_head_push(lua_State *L, const rl_response_head *head) {
  headers *h = new_headers(L, head->count, head->block.len);
  if (!head->count) return;
  memcpy(h->fields, head->fields, head->count * sizeof *head->fields);
  memcpy((char *)(uintptr_t)bytes_of(h), head->block.data, head->block.len);
}

static headers *check_headers(lua_State *L) {
  return rl_check_userdata(L, 1, RL_REF_HEADERS_META, "rille.client_headers");
}

static rl_slice name_at(const headers *h, size_t i) {
  return rl_slice_of(bytes_of(h) + h->fields[i].name, h->fields[i].name_len);
}
static rl_slice value_at(const headers *h, size_t i) {
  return rl_slice_of(bytes_of(h) + h->fields[i].value, h->fields[i].value_len);
}

static size_t find(const headers *h, rl_slice name, size_t from) {
  while (from < h->count && !rl_slice_eq_nocase(name_at(h, from), name)) from++;
  return from;
}

/* Pushes the values of a name joined, or nil. */
static void push_joined(lua_State *L, const headers *h, rl_slice name) {
  size_t first = find(h, name, 0), next = find(h, name, first + 1);
  if (first == h->count) {
    lua_pushnil(L);
  } else if (next >= h->count) {
    rl_push_slice(L, value_at(h, first));
  } else {
    luaL_Buffer b;
    luaL_buffinit(L, &b);
    for (size_t i = first; i < h->count; i = find(h, name, i + 1)) {
      if (i != first) luaL_addstring(&b, ", ");
      rl_slice value = value_at(h, i);
      luaL_addlstring(&b, value.data, value.len);
    }
    luaL_pushresult(&b);
  }
}

/* headers[name] -> value or nil */
static int headers_index(lua_State *L) {
  headers *h = check_headers(L);
  if (lua_type(L, 2) != LUA_TSTRING) return 0;
  push_joined(L, h, rl_check_slice(L, 2));
  return 1;
}

/* header_all(headers, name) -> list of values */
static int header_all(lua_State *L) {
  headers *h = check_headers(L);
  rl_slice name = rl_check_slice(L, 2);
  lua_Integer n = 0;
  lua_newtable(L);
  for (size_t i = find(h, name, 0); i < h->count; i = find(h, name, i + 1)) {
    rl_push_slice(L, value_at(h, i));
    lua_rawseti(L, -2, ++n);
  }
  rl_mark_array(L);
  return 1;
}

/* pairs(headers): lower-case name, joined values */
static int headers_pairs(lua_State *L) {
  headers *h = check_headers(L);
  lua_getglobal(L, "next");
  lua_createtable(L, 0, (int)h->count);
  int table = lua_gettop(L);
  for (size_t i = 0; i < h->count; i++) rl_joined_add(L, table, name_at(h, i), value_at(h, i));
  rl_joined_finish(L, table);
  lua_pushnil(L);
  return 3;
}

static RL_RAISES int headers_newindex(lua_State *L) {
  rl_error_mistake(L, "the headers of a response that came in cannot be set");
}

static void check_pair(lua_State *L, rl_slice name, rl_slice value) {
  if (!rl_header_name_is_safe(name) || !rl_header_value_is_safe(value))
    luaL_error(L, "header %s: a name is a token, a value holds no control characters", name.data);
}

/* The strings of {name, value, name, value …} at index 1 into `h`, which has room for them. */
static void fill(lua_State *L, headers *h) {
  char *at = (char *)(uintptr_t)bytes_of(h);
  uint32_t used = 0;
  for (size_t i = 0; i < h->count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)(2 * i + 1));
    lua_rawgeti(L, 1, (lua_Integer)(2 * i + 2));
    rl_slice name = rl_check_slice(L, -2), value = rl_check_slice(L, -1);
    check_pair(L, name, value);
    h->fields[i] = (rl_response_head_field){used, (uint32_t)name.len, used + (uint32_t)name.len, (uint32_t)value.len};
    memcpy(at + used, name.data, name.len);
    memcpy(at + used + name.len, value.data, value.len);
    used += (uint32_t)(name.len + value.len);
    lua_pop(L, 2);
  }
}

/* client_headers{name, value, name, value …} -> headers: a response made from plain data */
static int l_client_headers(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  size_t count = lua_rawlen(L, 1) / 2, bytes = 0;
  for (size_t i = 1; i <= 2 * count; i++) {
    lua_rawgeti(L, 1, (lua_Integer)i);
    luaL_argcheck(L, lua_type(L, -1) == LUA_TSTRING, 1, "names and values of headers are strings");
    bytes += lua_rawlen(L, -1);
    lua_pop(L, 1);
  }
  luaL_argcheck(L, bytes <= RL_LIMIT_RESPONSE_HEAD, 1, "these headers are too large");
  fill(L, new_headers(L, count, bytes));
  return 1;
}

/* header_problem(name, value) -> nil where the two may leave in a head, else what is wrong */
static int header_problem(lua_State *L) {
  rl_slice name = rl_check_slice(L, 1), value = rl_check_slice(L, 2);
  if (!rl_header_name_is_safe(name)) lua_pushliteral(L, "a header name is letters, digits and !#$%&'*+-.^_`|~ only");
  else if (!rl_header_value_is_safe(value))
    lua_pushfstring(L, "header %s: the value holds a line break, NUL or another control character", name.data);
  else lua_pushnil(L);
  return 1;
}

static const luaL_Reg functions[] = {
    {"client_headers", l_client_headers}, {"header_all", header_all}, {"header_problem", header_problem}, {NULL, NULL}};

static const luaL_Reg methods[] = {
    {"__index", headers_index}, {"__newindex", headers_newindex}, {"__pairs", headers_pairs}, {NULL, NULL}};

void rl_bind_client_head(lua_State *L) {
  rl_new_metatable(L, "rille.client_headers");
  luaL_setfuncs(L, methods, 0);
  rl_vm_keep_meta(L, RL_REF_HEADERS_META);
  luaL_setfuncs(L, functions, 0);
}
