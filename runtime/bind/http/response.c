/* Responses for Lua: their methods, fields and headers, and the functions that make them. See app/answer.h. */
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
#include "http/header.h"
#include "http/status.h"
#include "vm/owner.h"

static const char text_plain[] = "text/plain; charset=utf-8";

static rl_res *check_res(lua_State *L, int index) {
  rl_res *res = rl_res_at(L, index);
  if (!res) luaL_typeerror(L, index, "response");
  return res;
}

/* "999", "the string '200'", "a table" */
static const char *push_shown(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TSTRING && lua_type(L, index) != LUA_TNUMBER)
    return lua_pushfstring(L, "a %s", luaL_typename(L, index));
  const char *text = luaL_tolstring(L, index, NULL);
  return lua_type(L, index) == LUA_TSTRING ? lua_pushfstring(L, "the string '%s'", text) : text;
}

static int check_status(lua_State *L, int index, int otherwise) {
  if (lua_isnoneornil(L, index)) return otherwise;
  int exact;
  lua_Integer status = lua_tointegerx(L, index, &exact);
  if (!exact || !lua_isinteger(L, index) || status < 200 || status > 599)
    luaL_argerror(L, index, lua_pushfstring(L, "a status is an integer from 200 to 599, got %s", push_shown(L, index)));
  return (int)status;
}

/* place() -> "app.lua:12: ", where the handler of the running request begins, or its task was spawned; or "" */
static int l_place(lua_State *L) {
  rl_serving_push_place(L);
  return 1;
}

/* ---- headers ------------------------------------------------------------------------------------------------------------------- */

/* Of a stream, whose length the program may know, or of what answers HEAD without making a body. */
static void check_length(lua_State *L, const rl_res *res, rl_slice value) {
  uint64_t length;
  if (res->kind == RL_RES_FILE) luaL_error(L, "the Content-Length of a file's response is set by the server itself");
  if (!rl_res_read_length(value, &length))
    luaL_error(L, "header Content-Length is a number of bytes, got '%s'", value.data);
}

static void check_header(lua_State *L, const rl_res *res, int name_index, int value_index) {
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
static void remove_header(lua_State *L, int name_index) {
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
  rl_res *res = check_res(L, 1);
  if (lua_isnoneornil(L, 3)) {
    if (strcasecmp(luaL_checkstring(L, 2), "content-type") == 0) res->content_type = NULL;
    rl_res_push_headers(L, 1);
    remove_header(L, 2);
  } else {
    settle_length(L, 2, 3);
    check_header(L, res, 2, 3);
    rl_res_push_headers(L, 1);
    remove_header(L, 2);
    rl_res_append_header(L, 2, 3);
  }
  lua_settop(L, 1);
  return 1;
}

/* response:add_header(name, value) -> response */
static int res_add_header(lua_State *L) {
  const rl_res *res = check_res(L, 1);
  settle_length(L, 2, 3);
  check_header(L, res, 2, 3);
  rl_res_push_headers(L, 1);
  if (is_length(L, 2)) remove_header(L, 2);
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

static void push_view(lua_State *L) {
  lua_newuserdatauv(L, 0, 1);
  luaL_setmetatable(L, "rille.response_headers");
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, 1);
}

/* ---- fields ---------------------------------------------------------------------------------------------------------------------- */

static int res_index(lua_State *L) {
  rl_res *res = check_res(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "status") == 0) {
    lua_pushinteger(L, res->status);
  } else if (strcmp(key, "body") == 0) {
    if (res->kind == RL_RES_BYTES) lua_getiuservalue(L, 1, 1);
    else lua_pushnil(L);
  } else if (strcmp(key, "headers") == 0) {
    push_view(L);
  } else {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) return rl_unknown(L, "res", 2);
  }
  return 1;
}

/* Of a body that is another one now. */
static void forget_length(lua_State *L, int res_index) {
  if (lua_getiuservalue(L, res_index, 2) == LUA_TTABLE) {
    lua_pushliteral(L, "Content-Length");
    lua_insert(L, -2);
    remove_header(L, lua_gettop(L) - 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static int res_newindex(lua_State *L) {
  rl_res *res = check_res(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "status") == 0) {
    lua_Integer status = lua_isinteger(L, 3) ? lua_tointeger(L, 3) : 0;
    if (status < 200 || status > 599)
      rl_error_mistake(L, "res.status is an integer from 200 to 599, got %s", push_shown(L, 3));
    res->status = (int)status;
  } else if (strcmp(key, "body") == 0) {
    if (lua_type(L, 3) != LUA_TSTRING)
      rl_error_mistake(L, "res.body is a string, got a %s%s", luaL_typename(L, 3),
                       lua_istable(L, 3) ? ": rille.json(value) makes a response of it" : "");
    forget_length(L, 1);
    lua_settop(L, 3);
    res->kind = RL_RES_BYTES;
    lua_setiuservalue(L, 1, 1);
  } else {
    rl_error_mistake(L, "res.%s cannot be set: res.status and res.body can, and headers by res:header(name, value)",
                     key);
  }
  return 0;
}

static int res_tostring(lua_State *L) {
  lua_pushfstring(L, "response (%d)", check_res(L, 1)->status);
  return 1;
}

/* ---- making them -------------------------------------------------------------------------------------------------------------------- */

static int make_bytes(lua_State *L, const char *content_type) {
  luaL_checktype(L, 1, LUA_TSTRING);
  int status = check_status(L, 2, 200);
  lua_settop(L, 1);
  rl_res_push(L, status, content_type, RL_RES_BYTES);
  return 1;
}

/* text(s, status?) -> response */
static int l_text(lua_State *L) { return make_bytes(L, text_plain); }
/* html(s, status?) -> response */
static int l_html(lua_State *L) { return make_bytes(L, "text/html; charset=utf-8"); }

/* json(value, status?) -> response */
static int l_json(lua_State *L) {
  luaL_checkany(L, 1);
  int status = check_status(L, 2, 200);
  rl_buf *scratch = rl_scratch_push(L);
  rl_json_encode_value(L, 1, scratch);
  rl_scratch_result(L, scratch, RL_OK);
  rl_res_push(L, status, "application/json", RL_RES_BYTES);
  return 1;
}

/* empty(status = 204) -> response */
static int l_empty(lua_State *L) {
  int status = check_status(L, 1, 204);
  lua_pushliteral(L, "");
  rl_res_push(L, status, NULL, RL_RES_BYTES);
  return 1;
}

/* redirect(url, status = 303) -> response */
static int l_redirect(lua_State *L) {
  luaL_checktype(L, 1, LUA_TSTRING);
  int status = check_status(L, 2, 303);
  luaL_argcheck(L, status >= 300 && status <= 399, 2, "a redirect has a status from 300 to 399");
  lua_settop(L, 1);
  lua_pushliteral(L, "");
  rl_res *res = rl_res_push(L, status, NULL, RL_RES_BYTES);
  lua_pushliteral(L, "Location");
  check_header(L, res, 3, 1);
  rl_res_push_headers(L, 2);
  rl_res_append_header(L, 3, 1);
  lua_settop(L, 2);
  return 1;
}

/* stream(content_type, function(out), status?) -> response */
static int l_stream(lua_State *L) {
  rl_slice type = rl_check_slice(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_argcheck(L, rl_header_value_is_safe(type), 1, "holds a control character");
  int status = check_status(L, 3, 200);
  lua_settop(L, 2);
  rl_res_push(L, status, NULL, RL_RES_STREAM);
  lua_pushliteral(L, "Content-Type");
  rl_res_push_headers(L, 2);
  rl_res_append_header(L, 3, 1);
  lua_settop(L, 2);
  return 1;
}

/* to_response(label, f, ...) -> response, for what the handler f returned */
static int l_to_response(lua_State *L) {
  const char *label = luaL_checkstring(L, 1);
  rl_returned from = {.who = "the handler of", .label = label, .function = 2};
  rl_res_from_results(L, lua_gettop(L) - 2, &from);
  return 1;
}

/* Replaces a link of a chain by the next one (its third upvalue), the last link by its function (its first), and what else the
 * library puts around a handler by what is inside. False where the function is the program's. */
static bool go_inward(lua_State *L) {
  lua_Debug ar;
  if (!lua_isfunction(L, 1)) return false;
  lua_pushvalue(L, 1);
  lua_getinfo(L, ">S", &ar);
  if (*ar.what != 'C') {
    rl_returned_unwrap(L);
    return false;
  }
  if (!lua_getupvalue(L, 1, 3) || !lua_isfunction(L, -1)) {
    lua_settop(L, 1);
    if (!lua_getupvalue(L, 1, 1)) return false;
  }
  lua_replace(L, 1);
  return true;
}

/* handler_place(req) -> "app/posts.lua:12: ", where the handler of its route is defined, for messages; "" where that is not known */
static int l_handler_place(lua_State *L) {
  rl_serving_push_chain(L, rl_check_serving(L, 1));
  lua_replace(L, 1);
  lua_settop(L, 1);
  for (int depth = 0; depth < 200 && go_inward(L); depth++) continue;
  rl_returned from = {.function = 1};
  rl_returned_push_place(L, &from);
  return 1;
}

/* is_response(value) -> boolean */
static int l_is_response(lua_State *L) {
  lua_pushboolean(L, rl_res_at(L, 1) != NULL);
  return 1;
}

/* is_stream(response) -> boolean */
static int l_is_stream(lua_State *L) {
  lua_pushboolean(L, check_res(L, 1)->kind == RL_RES_STREAM);
  return 1;
}

/* wrap_stream(response, function(f) -> function): replaces what writes the body */
static int l_wrap_stream(lua_State *L) {
  luaL_argcheck(L, check_res(L, 1)->kind == RL_RES_STREAM, 1, "not a streamed response");
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_getiuservalue(L, 1, 1);
  lua_call(L, 1, 1);
  luaL_checktype(L, -1, LUA_TFUNCTION);
  lua_setiuservalue(L, 1, 1);
  forget_length(L, 1);
  return 0;
}

/* http_date(seconds) -> "Sun, 06 Nov 1994 08:49:37 GMT" */
static int l_http_date(lua_State *L) {
  char text[RL_DATE_LEN + 1];
  lua_Number seconds = luaL_checknumber(L, 1);
  luaL_argcheck(L, seconds >= -62135596800.0 && seconds < 253402300800.0, 1, "the year is from 1 to 9999");
  rl_date_format((int64_t)seconds, text);
  lua_pushlstring(L, text, RL_DATE_LEN);
  return 1;
}

/* status_text(status) -> "Not Found", or "" */
static int l_status_text(lua_State *L) {
  lua_pushstring(L, rl_status_text((int)luaL_checkinteger(L, 1)));
  return 1;
}

static const luaL_Reg functions[] = {{"text", l_text},
                                     {"html", l_html},
                                     {"json", l_json},
                                     {"empty", l_empty},
                                     {"redirect", l_redirect},
                                     {"stream", l_stream},
                                     {"to_response", l_to_response},
                                     {"handler_place", l_handler_place},
                                     {"place", l_place},
                                     {"is_response", l_is_response},
                                     {"is_stream", l_is_stream},
                                     {"wrap_stream", l_wrap_stream},
                                     {"http_date", l_http_date},
                                     {"status_text", l_status_text},
                                     {NULL, NULL}};

static const luaL_Reg methods[] = {{"header", res_header}, {"add_header", res_add_header}, {NULL, NULL}};

static const luaL_Reg view_methods[] = {
    {"__index", view_index}, {"__newindex", view_newindex}, {"__pairs", view_pairs}, {NULL, NULL}};

void rl_bind_response(lua_State *L) {
  rl_new_metatable(L, "rille.response");
  luaL_newlib(L, methods);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "response_methods"); /* lua/rille/response.lua adds cookies and validators */
  lua_pushcclosure(L, res_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, res_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, res_tostring);
  lua_setfield(L, -2, "__tostring");
  rl_vm_of(L)->refs[RL_REF_RESPONSE_META] = luaL_ref(L, LUA_REGISTRYINDEX);
  rl_new_metatable(L, "rille.response_headers");
  luaL_setfuncs(L, view_methods, 0);
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
