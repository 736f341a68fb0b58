/* Scopes of cancellation for Lua: timeout, shield, group. See vm/task/task.h. */
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"

/* A group ends by another error than its child's, which would be seen by nobody: a __close that failed meanwhile has replaced
 * it, or the group's function failed by itself in the same turn. Stack top: the error; pushes the child's. */
static bool push_replaced(lua_State *L, const rl_scope *scope) {
  bool told = scope->state == RL_SCOPE_CAUGHT || scope->state == RL_SCOPE_QUIET;
  if (scope->kind != RL_SCOPE_GROUP || told || scope->value_ref == LUA_NOREF) return false;
  lua_rawgeti(L, LUA_REGISTRYINDEX, scope->value_ref);
  if (!lua_rawequal(L, -1, -2)) return true;
  lua_pop(L, 1);
  return false;
}

/* Stack top: that one. What it takes to tell it may raise: the scope has been left. */
static void log_replaced(lua_State *L) {
  rl_task_log_error(L, lua_gettop(L), "a task failed, and its group by another error");
  lua_pop(L, 1);
}

/* Stack: scope userdata, message handler, then what the protected call left. */
static int leave_scope(lua_State *L, int status, unsigned number) {
  rl_scope *scope = lua_touserdata(L, 1);
  bool failed = status != LUA_OK && status != LUA_YIELD;
  rl_protect_leave(L, number, false);
  bool replaced = failed && push_replaced(L, scope);
  if (scope->kind == RL_SCOPE_TIMEOUT) rl_timeout_leave(L, (rl_timeout *)scope);
  else rl_scope_leave(L, scope);
  if (replaced) log_replaced(L);
  return failed ? lua_error(L) : lua_gettop(L) - 2;
}

static int scope_k(lua_State *L, int status, lua_KContext number) { return leave_scope(L, status, (unsigned)number); }

/* Stack: scope, function, arguments. Runs it; the scope ends with it. */
static int run_in_scope(lua_State *L) {
  lua_pushcfunction(L, rl_raised_handler);
  lua_insert(L, 2);
  lua_KContext number = rl_protect_enter(L);
  return scope_k(L, lua_pcallk(L, lua_gettop(L) - 3, LUA_MULTRET, 2, number, scope_k), number);
}

/* timeout(seconds, f, ...) -> results; raises code "timeout" */
static int l_timeout(lua_State *L) {
  double seconds = rl_check_seconds(L, 1);
  luaL_checktype(L, 2, LUA_TFUNCTION);
  rl__task_running(L, "timeout");
  rl_timeout *timeout = lua_newuserdatauv(L, sizeof *timeout, 0);
  lua_replace(L, 1);
  rl_timeout_enter(L, timeout, seconds);
  return run_in_scope(L);
}

/* shield(f, ...) -> results: cancellations from outside wait until it has ended */
static int l_shield(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  rl__task_running(L, "shield");
  rl_scope *scope = lua_newuserdatauv(L, sizeof *scope, 0);
  lua_insert(L, 1);
  rl_scope_enter(L, scope, RL_SCOPE_SHIELD);
  return run_in_scope(L);
}

/* run_group(f) -> results of f(scope): the first child spawned in the scope that fails ends it with its error */
static int l_run_group(lua_State *L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  rl__task_running(L, "group");
  lua_settop(L, 1);
  rl_scope *scope = lua_newuserdatauv(L, sizeof *scope, 0);
  luaL_setmetatable(L, "rille.scope");
  lua_insert(L, 1);
  lua_pushvalue(L, 1);
  rl_scope_enter(L, scope, RL_SCOPE_GROUP);
  return run_in_scope(L);
}

/* spawn_in(scope, f, ...) -> task */
static int l_spawn_in(lua_State *L) {
  rl_scope *scope = luaL_checkudata(L, 1, "rille.scope");
  return rl__task_spawn(L, 2, scope->task, scope);
}

static const luaL_Reg functions[] = {
    {"timeout", l_timeout}, {"shield", l_shield}, {"run_group", l_run_group}, {"spawn_in", l_spawn_in}, {NULL, NULL}};

void rl_bind_scope(lua_State *L) {
  rl_new_metatable(L, "rille.scope");
  lua_pop(L, 1);
  static const lua_CFunction transparent[] = {l_timeout, l_shield, l_run_group};
  for (size_t i = 0; i < sizeof transparent / sizeof *transparent; i++) rl_lets_waits_through(L, transparent[i]);
  luaL_setfuncs(L, functions, 0);
}
