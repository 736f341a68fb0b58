/*
 * `req` for Lua. A field becomes a Lua value when it is read. Fields that are tables are cached in a user value, so that
 * req.state is the same table each time. The handle may outlive the request, so every access checks.
 *
 * Methods and fields written in Lua are added by lua/rille/request.lua through native.request_methods and
 * native.request_getters.
 */
#include <string.h>

#include "base/error.h"
#include "base/url.h"
#include "base/utf8.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "bind/core/joined.h"
#include "bind/http/http.h"
#include "bind/http/request.h"

rl_serving *rl_check_serving(lua_State *L, int index) {
  rl_serving **handle = rl_check_userdata(L, index, RL_REF_REQUEST_META, "rille.request");
  if (!*handle) rl_error_mistake(L, "this request has ended: what is needed later must be taken out of it before");
  return *handle;
}

void rl_request_push_cached(lua_State *L) {
  if (lua_getiuservalue(L, 1, RL_KEPT_CACHE) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, RL_KEPT_CACHE);
  rl_serving *s = *(rl_serving **)lua_touserdata(L, 1);
  if (s) s->keeps = true;
}

/* ---- fields ------------------------------------------------------------------------------------------------------------------- */

enum {
  FIELD_METHOD = 1,
  FIELD_PATH,
  FIELD_RAW_PATH,
  FIELD_TARGET,
  FIELD_URL,
  FIELD_QUERY,
  FIELD_HEADERS,
  FIELD_PARAMS,
  FIELD_CONTENT_TYPE,
  FIELD_CHARSET,
  FIELD_CONTENT_LENGTH,
  FIELD_REMOTE,
  FIELD_SCHEME,
  FIELD_HOST,
  FIELD_VERSION,
  FIELD_ROUTE,
  FIELD_ID,
  FIELD_TRAILERS,
  FIELD_APP,
  FIELD_STATE
};

static const struct {
  const char *name;
  int field;
} fields[] = {{"method", FIELD_METHOD},
              {"path", FIELD_PATH},
              {"raw_path", FIELD_RAW_PATH},
              {"target", FIELD_TARGET},
              {"url", FIELD_URL},
              {"query", FIELD_QUERY},
              {"headers", FIELD_HEADERS},
              {"params", FIELD_PARAMS},
              {"content_type", FIELD_CONTENT_TYPE},
              {"charset", FIELD_CHARSET},
              {"content_length", FIELD_CONTENT_LENGTH},
              {"remote", FIELD_REMOTE},
              {"scheme", FIELD_SCHEME},
              {"host", FIELD_HOST},
              {"version", FIELD_VERSION},
              {"route", FIELD_ROUTE},
              {"id", FIELD_ID},
              {"trailers", FIELD_TRAILERS},
              {"app", FIELD_APP},
              {"state", FIELD_STATE}};

/* Pushes a decoded path or parameter. Decoding has kept "%2F" and "%25" until here, so that a slash in a segment splits nothing. */
static void push_unescaped(lua_State *L, rl_slice s) {
  if (rl_slice_find(s, '%', 0) == s.len) {
    rl_push_slice(L, s);
    return;
  }
  luaL_Buffer b;
  char *copy = luaL_buffinitsize(L, &b, s.len);
  memcpy(copy, s.data, s.len);
  luaL_pushresultsize(&b, rl_path_unescape(copy, s.len));
}

static void push_decoded(lua_State *L, rl_slice s) {
  luaL_Buffer b;
  char *out = luaL_buffinitsize(L, &b, s.len + 1);
  long len = rl_url_decode(s, true, out);
  if (len >= 0 && rl_utf8_valid(rl_slice_of(out, (size_t)len))) {
    luaL_pushresultsize(&b, (size_t)len);
    return;
  }
  rl_error_raise(L, RL_EINVALID, "the query string is not valid: a bad escape, or not UTF-8");
}

/* Pushes a table of the first value of each name. */
static void push_query(lua_State *L, const rl_req *req) {
  rl_slice rest = req->query, name, value;
  unsigned count = 0;
  lua_newtable(L);
  while (rl_query_next(&rest, &name, &value)) {
    if (++count > RL_LIMIT_QUERY_FIELDS)
      rl_error_raise(L, RL_EINVALID, "more than %u fields in the query", RL_LIMIT_QUERY_FIELDS);
    push_decoded(L, name);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) != LUA_TNIL) {
      lua_pop(L, 2);
      continue;
    }
    lua_pop(L, 1);
    push_decoded(L, value);
    lua_rawset(L, -3);
  }
}

/* Pushes an integer, whose form the router has checked: digits after a sign or none, within 64 bits. */
static void push_integer(lua_State *L, rl_slice s) {
  bool negative = s.data[0] == '-';
  lua_Unsigned number = 0;
  for (size_t i = negative; i < s.len; i++) number = number * 10 + (lua_Unsigned)(s.data[i] - '0');
  lua_pushinteger(L, (lua_Integer)(negative ? 0 - number : number));
}

/* Pushes a parameter. For a converter of the program it is a string here; lua/rille/app.lua converts it before the handler runs. */
static void push_param(lua_State *L, const rl_param *param) {
  if (param->convert == RL_CONVERT_INT) {
    push_integer(L, param->value);
  } else if (param->convert == RL_CONVERT_FLOAT) {
    rl_push_slice(L, param->value);
    lua_pushnumber(L, lua_tonumber(L, -1));
    lua_remove(L, -2);
  } else {
    push_unescaped(L, param->value);
  }
}

/* Pushes the table of parameters. Makes it once, and keeps it with the request: most handlers ask for nothing else that is kept. */
static void push_params(lua_State *L, rl_serving *s) {
  if (lua_getiuservalue(L, 1, RL_KEPT_PARAMS) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_createtable(L, 0, (int)s->param_count);
  for (unsigned i = 0; i < s->param_count; i++) {
    rl_push_slice(L, s->params[i].name);
    push_param(L, &s->params[i]);
    lua_rawset(L, -3);
  }
  lua_pushvalue(L, -1);
  lua_setiuservalue(L, 1, RL_KEPT_PARAMS);
}

/* Returns a parameter of a field value such as "text/html; charset=utf-8", without its quotes; or an empty slice. */
static rl_slice parameter(rl_slice value, rl_slice name) {
  for (size_t at = rl_slice_find(value, ';', 0); at < value.len; at = rl_slice_find(value, ';', at + 1)) {
    size_t end = rl_slice_find(value, ';', at + 1);
    rl_slice part = rl_slice_trim(rl_slice_of(value.data + at + 1, end - at - 1));
    size_t eq = rl_slice_find(part, '=', 0);
    if (eq == part.len || !rl_slice_eq_nocase(rl_slice_of(part.data, eq), name)) continue;
    rl_slice text = rl_slice_of(part.data + eq + 1, part.len - eq - 1);
    if (text.len >= 2 && text.data[0] == '"' && text.data[text.len - 1] == '"') text.data++, text.len -= 2;
    return text;
  }
  return RL_SLICE_NONE;
}

static void push_media_type(lua_State *L, const rl_req *req, bool charset) {
  const rl_header *h = rl_req_header(req, RL_HEADER_CONTENT_TYPE);
  rl_slice found = RL_SLICE_NONE;
  if (h)
    found = charset ? parameter(h->value, RL_SLICE("charset"))
                    : rl_slice_trim(rl_slice_of(h->value.data, rl_slice_find(h->value, ';', 0)));
  if (found.len) rl_push_lower(L, found);
  else lua_pushnil(L);
}

static void push_content_length(lua_State *L, const rl_req *req) {
  if (!req->has_length) lua_pushnil(L);
  else if (req->length > (uint64_t)LUA_MAXINTEGER) lua_pushnumber(L, (lua_Number)req->length);
  else lua_pushinteger(L, (lua_Integer)req->length);
}

static void push_url(lua_State *L, const rl_req *req) {
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addstring(&b, req->secure ? "https://" : "http://");
  luaL_addlstring(&b, req->host.data ? req->host.data : "", req->host.len);
  luaL_addlstring(&b, req->raw_path.data, req->raw_path.len);
  if (req->query.data) luaL_addchar(&b, '?');
  luaL_addlstring(&b, req->query.data ? req->query.data : "", req->query.len);
  luaL_pushresult(&b);
}

static void push_headers_view(lua_State *L) {
  lua_createtable(L, 0, 1);
  lua_pushvalue(L, 1);
  lua_rawsetp(L, -2, &fields); /* hidden from pairs by __pairs */
  rl_vm_push_ref(L, RL_REF_REQUEST_HEADERS_META);
  lua_setmetatable(L, -2);
}

/* Pushes a table: lower-case name -> value. It is empty until the body has been read, because trailers come after it. */
static void push_trailers(lua_State *L, const rl_req *req) {
  lua_createtable(L, 0, (int)req->trailer_count);
  for (size_t i = 0; i < req->trailer_count; i++) {
    rl_push_lower(L, req->trailers[i].name);
    rl_push_slice(L, req->trailers[i].value);
    lua_rawset(L, -3);
  }
}

/* Pushes a field that is a table. Makes it once, and caches it. */
static void push_table_field(lua_State *L, rl_serving *s, int field) {
  rl_request_push_cached(L);
  if (lua_rawgeti(L, -1, field) != LUA_TNIL) return;
  lua_pop(L, 1);
  if (field == FIELD_QUERY) push_query(L, s->req);
  else if (field == FIELD_HEADERS) push_headers_view(L);
  else lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawseti(L, -3, field);
}

static void push_field(lua_State *L, rl_serving *s, int field) {
  const rl_req *req = s->req;
  switch (field) {
    case FIELD_METHOD: rl_push_slice(L, req->method_name); break;
    case FIELD_PATH: push_unescaped(L, req->path); break;
    case FIELD_RAW_PATH: rl_push_slice(L, req->raw_path); break;
    case FIELD_TARGET: rl_push_slice(L, req->target); break;
    case FIELD_URL: push_url(L, req); break;
    case FIELD_CONTENT_TYPE: push_media_type(L, req, false); break;
    case FIELD_CHARSET: push_media_type(L, req, true); break;
    case FIELD_CONTENT_LENGTH: push_content_length(L, req); break;
    case FIELD_REMOTE: rl_push_slice(L, req->remote); break;
    case FIELD_SCHEME: lua_pushstring(L, req->secure ? "https" : "http"); break;
    case FIELD_HOST: rl_push_slice(L, req->host); break;
    case FIELD_VERSION: lua_pushstring(L, rl_version_text((rl_version)req->version)); break;
    case FIELD_ROUTE: lua_pushstring(L, s->route >= 0 ? s->app->routes[s->route].name : NULL); break;
    case FIELD_TRAILERS: push_trailers(L, req); break;
    case FIELD_ID: rl_push_slice(L, rl_req_id(s->req)); break;
    case FIELD_APP: rl_serving_push_app(L, s); break;
    case FIELD_PARAMS: push_params(L, s); break;
    default: push_table_field(L, s, field);
  }
}

static int getter_k(lua_State *L, int status, lua_KContext ctx) {
  (void)L, (void)status, (void)ctx;
  return 1;
}

/* Pushes nil for a name that the library may keep later (request_keep). Raises for any other name. */
static int not_there(lua_State *L) {
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(3)) != LUA_TNIL) return lua_pushnil(L), 1;
  return rl_unknown(L, "req", 2);
}

/* req.<field>, req:<method>. Upvalues: 1 the index of fields and methods, 2 getters written in Lua, 3 names that may be kept and
 * may be absent (lua/rille/request.lua). */
static int request_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  int type = lua_rawget(L, lua_upvalueindex(1));
  if (type == LUA_TFUNCTION) return 1;
  rl_serving *s = rl_check_serving(L, 1);
  if (s->keeps) { /* kept under its name, which may override a field */
    lua_getiuservalue(L, 1, RL_KEPT_CACHE);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) != LUA_TNIL) return 1;
  }
  if (type == LUA_TNUMBER) {
    push_field(L, s, (int)lua_tointeger(L, 3));
    return 1;
  }
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(2)) == LUA_TNIL) return not_there(L);
  lua_pushvalue(L, 1);
  lua_callk(L, 1, 1, 0, getter_k); /* a getter may wait: req.session does */
  return 1;
}

static RL_RAISES int request_newindex(lua_State *L) {
  rl_check_serving(L, 1);
  const char *name = luaL_tolstring(L, 2, NULL);
  if (strcmp(name, "session") == 0)
    rl_error_mistake(
        L, "req.session cannot be set: its fields can (req.session.user = …), and req:clear_session() empties it");
  rl_error_mistake(L, "req.%s cannot be set: what belongs to this request goes into req.state.%s", name, name);
}

static int request_tostring(lua_State *L) {
  rl_serving **handle = luaL_checkudata(L, 1, "rille.request");
  if (!*handle) lua_pushliteral(L, "request (ended)");
  else lua_pushfstring(L, "request (%s)", rl_serving_label(*handle));
  return 1;
}

/* request_keep(req, name, value): req.<name> is this value from now on */
static int request_keep(lua_State *L) {
  const rl_serving *s = rl_check_serving(L, 1);
  size_t len;
  if (strcmp(luaL_checkstring(L, 2), "id") == 0 && lua_isstring(L, 3)) {
    const char *id = lua_tolstring(L, 3, &len);
    s->req->id = rl_arena_copy(&s->req->arena, rl_slice_of(id, len)); /* the access log shows it too */
  }
  lua_settop(L, 3);
  rl_request_push_cached(L);
  lua_insert(L, 2);
  lua_rawset(L, 2);
  return 0;
}

/* request_finish(req, f): f(req, response) runs before the response is sent; the function that was added last runs first */
static int request_finish(lua_State *L) {
  rl_serving *s = rl_check_serving(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  rl_request_push_cached(L);
  if (lua_rawgeti(L, 3, RL_CACHED_FINISHERS) == LUA_TNIL) {
    lua_newtable(L);
    lua_replace(L, 4);
    lua_pushvalue(L, 4);
    lua_rawseti(L, 3, RL_CACHED_FINISHERS);
  }
  lua_pushvalue(L, 2);
  lua_rawseti(L, 4, (lua_Integer)lua_rawlen(L, 4) + 1);
  s->finishers = true;
  return 0;
}

/* request_finishers(req) -> list of functions, or nil */
static int request_finishers(lua_State *L) {
  rl_check_serving(L, 1);
  lua_settop(L, 1);
  rl_request_push_cached(L);
  lua_rawgeti(L, 2, RL_CACHED_FINISHERS);
  return 1;
}

/* request_miss(req) -> status, allow: what the router found for a path without a route */
static int request_miss(lua_State *L) {
  rl_serving *s = rl_check_serving(L, 1);
  char allow[256];
  size_t len = rl_allow_text(s->allow, allow, sizeof allow);
  lua_pushinteger(L, s->miss_status);
  if (len) lua_pushlstring(L, allow, len);
  else lua_pushnil(L);
  return 2;
}

/* request_has_route(req, raw_path) -> whether that path, as it would be sent, has a route for the method of this request */
static int request_has_route(lua_State *L) {
  rl_serving *s = rl_check_serving(L, 1);
  rl_slice raw = rl_check_slice(L, 2);
  char *path = rl_arena_alloc(&s->req->arena, raw.len + 1);
  if (!path) return rl_error_raise(L, RL_ENOMEM, NULL);
  long len = rl_path_decode(raw, path);
  rl_match match = {.route = -1};
  if (len >= 0) rl_router_match(s->app->router, s->req->method, rl_slice_of(path, (size_t)len), &match);
  if (s->app->unsure) return s->app->unsure = 0, rl_error_raise(L, RL_ENOMEM, NULL);
  lua_pushboolean(L, match.route >= 0);
  return 1;
}

/* ---- headers -------------------------------------------------------------------------------------------------------------------- */

static rl_serving *serving_of_view(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE); /* a program can call a metamethod with anything */
  lua_rawgetp(L, 1, &fields);
  lua_replace(L, 1);
  return rl_check_serving(L, 1);
}

/* Pushes all values of that name joined by ", ", or nil. */
static void push_joined(lua_State *L, const rl_req *req, rl_slice name) {
  const rl_header *end = req->headers + req->header_count;
  const rl_header *first = rl_header_find_name(req->headers, req->header_count, name), *h = first;
  if (h) h = rl_header_find_name(first + 1, (size_t)(end - first - 1), name);
  if (!h) {
    if (first) rl_push_slice(L, first->value);
    else lua_pushnil(L);
    return;
  }
  luaL_Buffer b;
  luaL_buffinit(L, &b);
  luaL_addlstring(&b, first->value.data, first->value.len);
  for (; h; h = rl_header_find_name(h + 1, (size_t)(end - h - 1), name)) {
    luaL_addstring(&b, first->id == RL_HEADER_COOKIE ? "; " : ", ");
    luaL_addlstring(&b, h->value.data, h->value.len);
  }
  luaL_pushresult(&b);
}

static int headers_index(lua_State *L) {
  rl_slice name = rl_check_slice(L, 2);
  push_joined(L, serving_of_view(L)->req, name);
  return 1;
}

static RL_RAISES int headers_newindex(lua_State *L) { rl_error_mistake(L, "the headers of a request cannot be set"); }

/* pairs(req.headers): lower-case name, joined value */
static int headers_pairs(lua_State *L) {
  const rl_req *req = serving_of_view(L)->req;
  lua_getglobal(L, "next");
  lua_createtable(L, 0, (int)req->header_count);
  int table = lua_gettop(L);
  for (size_t i = 0; i < req->header_count; i++) rl_joined_add(L, table, req->headers[i].name, req->headers[i].value);
  rl_joined_finish(L, table);
  lua_pushnil(L);
  return 3;
}

/* req:header_all(name) -> list of values */
static int header_all(lua_State *L) {
  const rl_req *req = rl_check_serving(L, 1)->req;
  rl_slice name = rl_check_slice(L, 2);
  lua_newtable(L);
  for (size_t i = 0; i < req->header_count; i++) {
    if (!rl_slice_eq_nocase(req->headers[i].name, name)) continue;
    rl_push_slice(L, req->headers[i].value);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  rl_mark_array(L);
  return 1;
}

/* served_header(name) -> that header of the request for which the running task works, or nil */
static int served_header(lua_State *L) {
  const rl_serving *s = rl_serving_of_task(rl_task_running(L));
  rl_slice name = rl_check_slice(L, 1);
  if (s && s->req) push_joined(L, s->req, name);
  else lua_pushnil(L);
  return 1;
}

/* served_request() -> the req for which the running task works, or nil */
static int served_request(lua_State *L) {
  const rl_serving *s = rl_serving_of_task(rl_task_running(L));
  return s && s->req && rl_serving_push_request(L, s) ? 1 : 0;
}

/* req:query_all(name) -> list of values */
static int query_all(lua_State *L) {
  const rl_req *req = rl_check_serving(L, 1)->req;
  luaL_checkstring(L, 2);
  rl_slice rest = req->query, name, value;
  lua_newtable(L);
  for (unsigned count = 0; rl_query_next(&rest, &name, &value) && count < RL_LIMIT_QUERY_FIELDS; count++) {
    push_decoded(L, name);
    bool same = lua_rawequal(L, -1, 2);
    lua_pop(L, 1);
    if (!same) continue;
    push_decoded(L, value);
    lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
  }
  rl_mark_array(L);
  return 1;
}

static const luaL_Reg methods[] = {{"header_all", header_all}, {"query_all", query_all}, {NULL, NULL}};

static const luaL_Reg headers_methods[] = {
    {"__index", headers_index}, {"__newindex", headers_newindex}, {"__pairs", headers_pairs}, {NULL, NULL}};

static const luaL_Reg functions[] = {{"request_keep", request_keep},           {"request_finish", request_finish},
                                     {"request_finishers", request_finishers}, {"request_miss", request_miss},
                                     {"request_has_route", request_has_route}, {"served_header", served_header},
                                     {"served_request", served_request},       {NULL, NULL}};

void rl_bind_request(lua_State *L) {
  rl_new_metatable(L, "rille.request_headers");
  luaL_setfuncs(L, headers_methods, 0);
  rl_vm_keep_meta(L, RL_REF_REQUEST_HEADERS_META);
  rl_new_metatable(L, "rille.request");
  luaL_newlib(L, methods);
  luaL_setfuncs(L, rl_request_body_methods, 0);
  luaL_setfuncs(L, rl_request_hint_methods, 0);
  for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
    lua_pushinteger(L, fields[i].field);
    lua_setfield(L, -2, fields[i].name);
  }
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "request_methods");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -5, "request_getters");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -6, "request_kept");
  lua_pushcclosure(L, request_index, 3);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, request_newindex);
  lua_setfield(L, -2, "__newindex");
  lua_pushcfunction(L, request_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_setfield(L, -4, "request_hidden"); /* names that templates cannot see; lua/rille/request.lua fills it */
  lua_setfield(L, -2, "__hidden");
  rl_vm_keep_meta(L, RL_REF_REQUEST_META);
  luaL_setfuncs(L, functions, 0);
  luaL_setfuncs(L, rl_request_body_functions, 0);
}
