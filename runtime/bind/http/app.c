/*
 * A compiled app for Lua: lua/rille/app.lua flattens what a program wrote (groups, mounts, middleware) into routes with one
 * function each, and hands them over here.
 *
 *   native.app(app, body_limit) -> compiled     compiled:add(…) … compiled:ready(on_error, on_response)
 */
#include <math.h>
#include <string.h>

#include "app/handle.h"
#include "app/serving.h"
#include "base/alloc.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/http/http.h"
#include "server/pattern.h"
#include "vm/owner.h"

static rl_app *check_app(lua_State *L) { return luaL_checkudata(L, 1, "rille.compiled_app"); }

/* 0 where there is none; a limit of less is one millisecond. */
static uint32_t milliseconds_at(lua_State *L, int index) {
  if (lua_isnoneornil(L, index)) return 0;
  double ms = rl_check_seconds(L, index) * 1000;
  return ms < 1 ? 1 : ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

/* app(app_table, body_limit?, cpu_limit?) -> compiled */
static int l_app(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Integer body_limit = lua_isnoneornil(L, 2) ? (lua_Integer)RL_LIMIT_BODY : rl_check_size(L, 2);
  uint32_t cpu_limit_ms = lua_isnoneornil(L, 3) ? rl_vm_of(L)->cpu_limit_ms : milliseconds_at(L, 3);
  rl_app *app = lua_newuserdatauv(L, sizeof *app, 3);
  rl_app_init(app, rl_vm_of(L), rl_handle_request);
  luaL_setmetatable(L, "rille.compiled_app");
  if (!app->router) return rl_error_raise(L, RL_ENOMEM, NULL);
  app->body_limit = (uint64_t)body_limit;
  app->cpu_limit_ms = cpu_limit_ms;
  lua_newtable(L); /* functions by route */
  lua_pushvalue(L, -1);
  app->chains_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  lua_setiuservalue(L, -2, 1);
  lua_newtable(L); /* apps by route, for req.app */
  lua_setiuservalue(L, -2, 2);
  lua_newtable(L); /* converters by number */
  lua_setiuservalue(L, -2, 3);
  lua_pushvalue(L, -1);
  app->self_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return 1;
}

static void set_in_uservalue(lua_State *L, int which, lua_Integer key, int value) {
  lua_getiuservalue(L, 1, which);
  lua_pushvalue(L, value);
  lua_rawseti(L, -2, key);
  lua_pop(L, 1);
}

static int grow_routes(rl_app *app) {
  rl_app_route *routes = rl_realloc(app->routes, (app->route_count + 1) * sizeof *routes);
  if (!routes) return RL_ENOMEM;
  app->routes = routes;
  routes[app->route_count] = (rl_app_route){.body_limit = RL_APP_DEFAULT};
  return RL_OK;
}

static char *copy_optional(lua_State *L, int index) {
  size_t len;
  const char *text = luaL_optlstring(L, index, NULL, &len);
  return text ? rl_strndup(text, len) : NULL;
}

/* compiled:add(method, pattern, function, app, name?, body_limit?, cpu_limit?) -> id | nil, message, id of the route in the way */
static int l_add(lua_State *L) {
  rl_app *app = check_app(L);
  rl_slice method = rl_check_slice(L, 2), pattern = rl_check_slice(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  luaL_checktype(L, 5, LUA_TTABLE);
  lua_settop(L, 8);
  bool has_limit = !lua_isnoneornil(L, 7);
  uint64_t body_limit = has_limit ? (uint64_t)rl_check_size(L, 7) : 0;
  uint32_t cpu_limit_ms = milliseconds_at(L, 8);
  rl_buf *why = rl_scratch_push(L);
  int taken = -1, id = (int)app->route_count;
  int code = grow_routes(app);
  if (!code) code = rl_router_add(app->router, method, pattern, id, &taken, why);
  if (code) {
    lua_pushnil(L);
    rl_scratch_result(L, why, RL_OK);
    lua_pushinteger(L, taken);
    return 3;
  }
  rl_scratch_give(why);
  rl_app_route *route = &app->routes[app->route_count++];
  route->name = copy_optional(L, 6);
  if (has_limit) route->body_limit = body_limit;
  route->cpu_limit_ms = cpu_limit_ms;
  lua_pushfstring(L, "%s %s", lua_tostring(L, 2), lua_tostring(L, 3));
  route->label = copy_optional(L, -1);
  set_in_uservalue(L, 1, id, 4);
  set_in_uservalue(L, 2, id, 5);
  lua_pushinteger(L, id);
  return 1;
}

/* compiled:limit(name, value): of the connections */
static int l_limit(lua_State *L) {
  rl_app *app = check_app(L);
  const char *name = luaL_checkstring(L, 2);
  int code = rl_limits_set(&app->limits, name, luaL_checknumber(L, 3));
  return code ? luaL_error(L, "no such limit, or out of range: %s", name) : 0;
}

/* limits() -> name -> {least, most} */
static int l_limits(lua_State *L) {
  const char *name;
  lua_newtable(L);
  for (unsigned i = 0; (name = rl_limits_name(i)); i++) {
    double least = 0, most = 0;
    rl_limits_range(name, &least, &most);
    lua_createtable(L, 2, 0);
    lua_pushnumber(L, least);
    lua_rawseti(L, -2, 1);
    lua_pushnumber(L, most);
    lua_rawseti(L, -2, 2);
    lua_setfield(L, -2, name);
  }
  return 1;
}

/* compiled:serve_in_c(id, site): the route is answered without Lua */
static int l_serve_in_c(lua_State *L) {
  rl_app *app = check_app(L);
  lua_Integer id = luaL_checkinteger(L, 2);
  luaL_argcheck(L, id >= 0 && (size_t)id < app->route_count, 2, "no such route");
  app->routes[id].site = luaL_checkudata(L, 3, "rille.static_site");
  lua_getiuservalue(L, 1, 1); /* keeps the site alive */
  lua_pushvalue(L, 3);
  lua_rawsetp(L, -2, app->routes[id].site);
  return 0;
}

/* compiled:scope(prefix, number, function, app): what answers a path below prefix that has no route */
static int l_scope(lua_State *L) {
  rl_app *app = check_app(L);
  rl_slice prefix = rl_check_slice(L, 2);
  lua_Integer number = luaL_checkinteger(L, 3);
  luaL_checktype(L, 4, LUA_TFUNCTION);
  luaL_checktype(L, 5, LUA_TTABLE);
  if (number > 0 && rl_router_scope(app->router, prefix, (int)number)) return rl_error_raise(L, RL_ENOMEM, NULL);
  set_in_uservalue(L, 1, -1 - number, 4);
  set_in_uservalue(L, 2, -1 - number, 5);
  return 0;
}

typedef struct question {
  rl_app *app;
  int convert;
  rl_slice segment;
} question;

/* Stack: the question. Leaves what the converter says. */
static int ask_converter(lua_State *L) {
  const question *q = lua_touserdata(L, 1);
  lua_rawgeti(L, LUA_REGISTRYINDEX, q->app->self_ref);
  lua_getiuservalue(L, -1, 3);
  lua_rawgeti(L, -1, q->convert);
  rl_push_slice(L, q->segment);
  lua_call(L, 1, 1);
  return 1;
}

/* What a program's test raises means that the value does not fit. That memory is short is no answer: the request gets an
 * error then, not the next best route. Stack top: the error. */
static void note_failure(lua_State *L, rl_app *app) {
  const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "";
  if (strcmp(text, "not enough memory") == 0) app->unsure = rl_error_status(RL_ENOMEM);
}

/* A converter of the program's: its test runs on the main thread, outside any task, all of it protected. */
static bool accepts(void *ud, int convert, rl_slice segment) {
  question q = {.app = ud, .convert = convert, .segment = segment};
  lua_State *L = q.app->vm->L;
  int top = lua_gettop(L);
  if (!lua_checkstack(L, 8)) return false;
  lua_pushcfunction(L, ask_converter);
  lua_pushlightuserdata(L, &q);
  bool fits = false;
  if (lua_pcall(L, 1, 1, 0) == LUA_OK) fits = lua_toboolean(L, -1);
  else note_failure(L, q.app);
  lua_settop(L, top);
  return fits;
}

/* compiled:converter(name, test): test(segment) -> boolean */
static int l_converter(lua_State *L) {
  rl_app *app = check_app(L);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  lua_getiuservalue(L, 1, 3);
  lua_Integer number = RL_CONVERT_CUSTOM;
  while (lua_rawgeti(L, -1, number) != LUA_TNIL) number++, lua_pop(L, 1);
  lua_pop(L, 2);
  int code = rl_router_converter(app->router, rl_check_slice(L, 2), accepts, app);
  if (code == RL_EEXISTS) return luaL_error(L, "there is a converter '%s' already", lua_tostring(L, 2));
  if (code) return rl_error_raise(L, code, NULL);
  set_in_uservalue(L, 3, number, 3);
  return 0;
}

/* compiled:ready(on_error, on_response, always): on_error(req, err) -> response; on_response(req, response) is called for
 * every request, or else for those that asked by request_finish */
static int l_ready(lua_State *L) {
  rl_app *app = check_app(L);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  app->hooks_always = lua_toboolean(L, 4);
  lua_settop(L, 3);
  app->on_response_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  app->on_error_ref = luaL_ref(L, LUA_REGISTRYINDEX);
  return 0;
}

/* compiled:match(method, path) -> id, or nil, status, allow: for tools and specs */
static int l_match(lua_State *L) {
  rl_app *app = check_app(L);
  rl_match match;
  rl_router_match(app->router, rl_method_of(rl_check_slice(L, 2)), rl_check_slice(L, 3), &match);
  if (app->unsure) return app->unsure = 0, rl_error_raise(L, RL_ENOMEM, NULL);
  if (match.route >= 0) lua_pushinteger(L, match.route);
  else lua_pushnil(L);
  return 1;
}

/* running_app() -> the app whose request the running task answers, or nil */
static int l_running_app(lua_State *L) {
  const rl_serving *serving = rl_serving_of_task(rl_task_running(L));
  if (serving) rl_serving_push_app(L, serving);
  else lua_pushnil(L);
  return 1;
}

static int app_gc(lua_State *L) {
  rl_app *app = lua_touserdata(L, 1);
  rl_router_del(app->router);
  app->router = NULL;
  for (size_t i = 0; i < app->route_count; i++) {
    rl_free(app->routes[i].name);
    rl_free(app->routes[i].label);
  }
  rl_free(app->routes);
  app->routes = NULL;
  app->route_count = 0;
  return 0;
}

typedef struct held_pattern {
  rl_owner owner; /* first */
  rl_pattern pattern;
} held_pattern;

static void free_pattern(void *object) { rl_pattern_free(object); }

/* pattern_parts(pattern) -> list of strings and {name, converter}; raises what is wrong with it */
static int l_pattern_parts(lua_State *L) {
  rl_slice text = rl_check_slice(L, 1);
  held_pattern *held = (held_pattern *)rl_owner_push_sized(L, sizeof *held, free_pattern);
  rl_buf *why = rl_scratch_push(L);
  int code = rl_pattern_parse(&held->pattern, text, why);
  held->owner.object = &held->pattern;
  if (code) {
    lua_pushlstring(L, why->len ? why->data : "out of memory", why->len ? why->len : 13);
    rl_scratch_give(why);
    return lua_error(L);
  }
  rl_scratch_give(why);
  lua_createtable(L, (int)held->pattern.count, 0);
  for (size_t i = 0; i < held->pattern.count; i++) {
    const rl_pattern_part *part = &held->pattern.parts[i];
    if (part->param) {
      lua_createtable(L, 2, 0);
      rl_push_slice(L, part->text);
      lua_rawseti(L, -2, 1);
      rl_push_slice(L, part->converter);
      lua_rawseti(L, -2, 2);
    } else {
      rl_push_slice(L, part->text);
    }
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  rl_owner_release(&held->owner);
  return 1;
}

/* convert_fits(converter, text) -> whether the router would take it there; true of a converter that is a program's own */
static int l_convert_fits(lua_State *L) {
  lua_pushboolean(L, rl_convert_fits(rl_check_slice(L, 1), rl_check_slice(L, 2)));
  return 1;
}

static const luaL_Reg functions[] = {
    {"app", l_app},       {"convert_fits", l_convert_fits},   {"running_app", l_running_app},
    {"limits", l_limits}, {"pattern_parts", l_pattern_parts}, {NULL, NULL}};

static const luaL_Reg methods[] = {{"add", l_add},     {"scope", l_scope}, {"converter", l_converter},
                                   {"limit", l_limit}, {"ready", l_ready}, {"serve_in_c", l_serve_in_c},
                                   {"match", l_match}, {NULL, NULL}};

void rl_bind_app(lua_State *L) {
  rl_new_metatable(L, "rille.compiled_app");
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, app_gc);
  lua_setfield(L, -2, "__gc");
  lua_pop(L, 1);
  luaL_setfuncs(L, functions, 0);
}
