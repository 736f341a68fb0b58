/*
 * Renders a template: makes the page, the variables and the context that the template's functions run in
 * (lua/rille/template/inherit.lua), runs the template and takes the text. Lua code that did so cost more than a short template.
 *
 *   1 env  2 template  3 context  4 meta  5 request  6 variables  7 page  8 c
 */
#include "base/limits.h"
#include "bind/template/page.h"
#include "bind/template/template.h"
#include "vm/task/task.h"

enum { ENV = 1, TEMPLATE, CONTEXT, META, REQUEST, VARS, PAGE, C };
enum { MOST_EXPECTED = 256 << 10 };

/* Upvalues: the key under which variables hold the request, the Lua function for contexts with a metatable, and names. */
enum { UP_REQUEST = 1, UP_OBJECT, UP_NAMES };
enum { LIMIT, EXPECTED, ROOT, VARS_NAME, BLOCKS, ENV_NAME, R, PAGE_NAME, DEPTH, GLOBALS_META, STATE };
static const char *const names[] = {"limit", "expected", "root",  "vars",         "blocks", "env",
                                    "R",     "page",     "depth", "globals_meta", "state",  NULL};

static void push_name(lua_State *L, int name) { lua_pushvalue(L, lua_upvalueindex(UP_NAMES + name)); }

static int push_field(lua_State *L, int table, int name) {
  push_name(L, name);
  return lua_rawget(L, table);
}

/* Sets a field of the table below the value on top of the stack to that. */
static void set_field(lua_State *L, int name) {
  push_name(L, name);
  lua_insert(L, -2);
  lua_rawset(L, -3);
}

static void push_copy(lua_State *L, int index) {
  lua_createtable(L, 0, 4);
  lua_pushvalue(L, lua_upvalueindex(UP_REQUEST));
  lua_pushvalue(L, REQUEST);
  lua_rawset(L, -3);
  if (lua_isnil(L, index)) return;
  lua_pushnil(L);
  while (lua_next(L, index)) {
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    lua_rawset(L, -4);
  }
}

/* Pushes a table of the context's fields, whose metatable leads to all else. */
static void push_vars(lua_State *L) {
  if (!lua_isnil(L, CONTEXT) && lua_getmetatable(L, CONTEXT)) {
    lua_pushvalue(L, lua_upvalueindex(UP_OBJECT));
    lua_replace(L, -2);
    lua_pushvalue(L, CONTEXT);
    lua_pushvalue(L, META);
    lua_pushvalue(L, REQUEST);
    lua_call(L, 3, 1);
    return;
  }
  push_copy(L, CONTEXT);
  lua_pushvalue(L, META);
  lua_setmetatable(L, -2);
}

static void push_context(lua_State *L) {
  lua_createtable(L, 0, 8);
  lua_pushvalue(L, VARS), set_field(L, VARS_NAME);
  push_field(L, TEMPLATE, BLOCKS), set_field(L, BLOCKS);
  lua_pushvalue(L, ENV), set_field(L, ENV_NAME);
  push_field(L, ENV, R), set_field(L, R);
  lua_pushvalue(L, PAGE), set_field(L, PAGE_NAME);
  lua_pushinteger(L, 0), set_field(L, DEPTH);
  lua_pushvalue(L, META), set_field(L, GLOBALS_META);
  lua_pushvalue(L, -1), set_field(L, STATE);
}

static size_t size_field(lua_State *L, int table, int name, size_t otherwise) {
  size_t size = push_field(L, table, name) == LUA_TNUMBER ? (size_t)lua_tointeger(L, -1) : otherwise;
  lua_pop(L, 1);
  return size;
}

static void push_page(lua_State *L) {
  size_t limit = size_field(L, ENV, LIMIT, RL_LIMIT_TEMPLATE_PAGE);
  rl__page_push(L, limit, size_field(L, TEMPLATE, EXPECTED, 0));
}

static int render_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  lua_settop(L, C);
  size_t len = rl__page_finish(L, PAGE), expected = len + len / 8 + 64;
  push_name(L, EXPECTED);
  lua_pushinteger(L, (lua_Integer)(expected < MOST_EXPECTED ? expected : MOST_EXPECTED));
  lua_rawset(L, TEMPLATE);
  return 1;
}

/* render(env, template, context, meta, request) -> text */
static int render(lua_State *L) {
  luaL_checktype(L, ENV, LUA_TTABLE);
  luaL_checktype(L, TEMPLATE, LUA_TTABLE);
  lua_settop(L, REQUEST);
  if (lua_isnil(L, META)) {
    push_field(L, ENV, GLOBALS_META);
    lua_replace(L, META);
  }
  if (!lua_isnil(L, CONTEXT)) luaL_checktype(L, CONTEXT, LUA_TTABLE);
  luaL_checktype(L, META, LUA_TTABLE);
  push_vars(L);
  push_page(L);
  push_context(L);
  push_field(L, TEMPLATE, ROOT);
  lua_pushvalue(L, C);
  lua_pushvalue(L, PAGE);
  lua_callk(L, 2, 0, 0, render_k);
  return render_k(L, LUA_OK, 0);
}

/* render_function(request, new_vars) -> render. `request` is the key under which variables hold the request that a page answers;
 * new_vars(context, meta, request) makes the variables of a context that has a metatable. */
static int render_function(lua_State *L) {
  luaL_checkany(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_settop(L, 2);
  luaL_checkstack(L, (int)(sizeof names / sizeof *names), NULL);
  int count = 0;
  while (names[count]) lua_pushstring(L, names[count++]);
  lua_pushcclosure(L, render, UP_NAMES - 1 + count);
  return 1;
}

void rl_bind_render(lua_State *L) {
  rl_lets_waits_through(L, render);
  lua_pushcfunction(L, render_function);
  lua_setfield(L, -2, "render_function");
}
