/* Responses for Lua: their fields, and the functions that make them. See app/answer.h; their headers are response_headers.c. */
#include <string.h>
#include <strings.h>

#include "app/answer.h"
#include "app/serving.h"
#include "base/date.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/http/http.h"
#include "bind/http/request.h"
#include "bind/http/response.h"
#include "http/header.h"
#include "http/status.h"
#include "vm/owner.h"

static const char text_plain[] = "text/plain; charset=utf-8";

rl_res *rl__res_check(lua_State *L, int index) {
  rl_res *res = rl_res_at(L, index);
  if (!res) luaL_typeerror(L, index, "response");
  return res;
}

/* Pushes the value at `index` as a message shows it: "999", "the string '200'", "a table". */
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

/* place() -> "app.lua:12: ", where the handler of the running request is defined, or the task was spawned; or "" */
static int l_place(lua_State *L) {
  rl_serving_push_place(L);
  return 1;
}

/* ---- fields ---------------------------------------------------------------------------------------------------------------------- */

static int res_index(lua_State *L) {
  rl_res *res = rl__res_check(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "status") == 0) {
    lua_pushinteger(L, res->status);
  } else if (strcmp(key, "body") == 0) {
    if (res->kind == RL_RES_BYTES) lua_getiuservalue(L, 1, 1);
    else lua_pushnil(L);
  } else if (strcmp(key, "headers") == 0) {
    rl__res_push_view(L);
  } else {
    lua_pushvalue(L, 2);
    if (lua_rawget(L, lua_upvalueindex(1)) == LUA_TNIL) return rl_unknown(L, "res", 2);
  }
  return 1;
}

/* Removes the Content-Length of the response, because its body was replaced. */
static void forget_length(lua_State *L, int res_index) {
  if (lua_getiuservalue(L, res_index, 2) == LUA_TTABLE) {
    lua_pushliteral(L, "Content-Length");
    lua_insert(L, -2);
    rl__res_remove_header(L, lua_gettop(L) - 1);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
}

static int res_newindex(lua_State *L) {
  rl_res *res = rl__res_check(L, 1);
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
  lua_pushfstring(L, "response (%d)", rl__res_check(L, 1)->status);
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
  if (!rl_push_json_string(L, 1)) { /* JSON text is sent as it is */
    rl_buf *scratch = rl_scratch_push(L);
    rl_json_encode_value(L, 1, scratch);
    rl_scratch_result(L, scratch, RL_OK);
  }
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
  rl__res_check_header(L, res, 3, 1);
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

/* to_response(label, f, ...) -> response, made of what the handler f returned; raises if that is none */
static int l_to_response(lua_State *L) {
  const char *label = luaL_checkstring(L, 1);
  rl_returned from = {.who = "the handler of", .label = label, .function = 2};
  rl_res_from_results(L, lua_gettop(L) - 2, &from);
  return 1;
}

/* Replaces the function at index 1 by the one inside it: a link of a chain by the next link (its third upvalue), the last link by its
 * function (its first), another wrapper of the library by what it wraps. Returns false if there is no more to unwrap. */
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

/* handler_place(req) -> "app/posts.lua:12: ", where the handler of its route is defined, for messages; "" if that is unknown */
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
  lua_pushboolean(L, rl__res_check(L, 1)->kind == RL_RES_STREAM);
  return 1;
}

/* wrap_stream(response, function(f) -> function): replaces the function that writes the body */
static int l_wrap_stream(lua_State *L) {
  luaL_argcheck(L, rl__res_check(L, 1)->kind == RL_RES_STREAM, 1, "not a streamed response");
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

/* Returns true for what is a cookie-octet (RFC 6265 section 4.1.1). */
static bool is_cookie_octet(unsigned char c) {
  return c > ' ' && c < 0x7F && c != '"' && c != ',' && c != ';' && c != '\\';
}

/* cookie_fault(value) -> position of the first byte that may not stand in a cookie's value, or nil */
static int l_cookie_fault(lua_State *L) {
  rl_slice value = rl_check_slice(L, 1);
  size_t i = 0;
  while (i < value.len && is_cookie_octet((unsigned char)value.data[i])) i++;
  if (i == value.len) return 0;
  lua_pushinteger(L, (lua_Integer)i + 1);
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
                                     {"cookie_fault", l_cookie_fault},
                                     {"http_date", l_http_date},
                                     {"status_text", l_status_text},
                                     {NULL, NULL}};

void rl_bind_response(lua_State *L) {
  rl_new_metatable(L, "rille.response");
  lua_newtable(L);
  luaL_setfuncs(L, rl__response_header_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "response_methods"); /* lua/rille/response.lua adds cookies and validators */
  lua_pushcclosure(L, res_index, 1);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, res_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, res_tostring);
  lua_setfield(L, -2, "__tostring");
  rl_vm_keep_meta(L, RL_REF_RESPONSE_META);
  rl__response_headers_open(L);
  luaL_setfuncs(L, functions, 0);
}
