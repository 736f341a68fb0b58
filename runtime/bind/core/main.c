/* The main task: started by C, talked to by lua/rille/boot.lua. See app/main.h. */
#include "app/main.h"

#include <unistd.h>

#include "app/desk.h"
#include "app/serving.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/bind.h"
#include "loop/stop.h"
#include "vm/copy.h"
#include "vm/inspect.h"
#include "vm/owner.h"

static const char main_key = 0; /* registry: lightuserdata of the rl_main */

rl_main *rl_main_of(lua_State *L) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &main_key);
  rl_main *main = lua_touserdata(L, -1);
  lua_pop(L, 1);
  if (!main) luaL_error(L, "this state has no main task");
  return main;
}

static void on_task_end(rl_task *task) {
  rl_main *main = task->owner;
  lua_State *co = task->strand.co;
  int status = !task->failed && lua_isinteger(co, -1) ? (int)lua_tointeger(co, -1) : 1;
  main->task = NULL;
  main->on_end(main, status);
}

typedef struct start {
  rl_main *main;
  const char *command;
  int argc;
  char **argv;
} start;

/* Runs on the main thread, protected. Stack: the start. Leaves boot.main and its arguments. */
static int prepare(lua_State *L) {
  const start *s = lua_touserdata(L, 1);
  lua_pushlightuserdata(L, s->main);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &main_key);
  lua_getglobal(L, "require");
  lua_pushliteral(L, "rille.boot");
  lua_call(L, 1, 1);
  lua_getfield(L, -1, "main");
  luaL_checkstack(L, s->argc + 1, "arguments");
  lua_pushstring(L, s->command);
  for (int i = 0; i < s->argc; i++) lua_pushstring(L, s->argv[i]);
  return s->argc + 2;
}

int rl_main_start(rl_main *main, const char *command, int argc, char **argv) {
  lua_State *L = main->vm->L;
  start s = {main, command, argc, argv};
  main->task = rl_task_new(main->vm, NULL, NULL);
  if (!main->task || !lua_checkstack(L, argc + 8)) return RL_ENOMEM;
  main->task->owner = main;
  main->task->on_end = on_task_end;
  lua_settop(L, 0);
  lua_pushcfunction(L, prepare);
  lua_pushlightuserdata(L, &s);
  if (lua_pcall(L, 1, LUA_MULTRET, 0) != LUA_OK) {
    rl_logf(RL_LOG_ERROR, "cannot start: %s", lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : "?");
    lua_settop(L, 0);
    return RL_ENOMEM;
  }
  int count = lua_gettop(L);
  lua_State *co = main->task->strand.co;
  if (!lua_checkstack(co, count + 2)) return RL_ENOMEM;
  lua_pushcfunction(co, rl_task_base);
  lua_pushnil(co); /* no handle */
  lua_xmove(L, co, count);
  main->task->nargs = count + 1;
  rl_task_start(main->task);
  return RL_OK;
}

void rl_main_stop(rl_main *main) {
  main->stopping = true;
  rl_task_wake(&main->waiting);
}

void rl_main_cancel(rl_main *main) {
  main->stopping = true;
  if (main->task) rl_task_cancel(main->task, RL_ECANCELLED, "the process is told to stop");
}

bool rl_main_give_up(rl_main *main) {
  if (main->task && rl_testing_give_up(main->vm)) return true;
  if (main->stuck || !main->task) return false;
  main->stuck = true;
  rl_inspect_log_stuck(main->vm);
  rl_task_cancel(main->task, RL_ECANCELLED, "all tasks were waiting for each other");
  return true;
}

unsigned rl_main_requests(const rl_main *main) { return main->handler ? ((rl_app *)main->handler)->serving : 0; }

unsigned rl_main_cancel_requests(rl_main *main) {
  return main->handler ? rl_app_cancel((rl_app *)main->handler, "its code was replaced") : 0;
}

/* ready(compiled) */
static int l_ready(lua_State *L) {
  rl_main *main = rl_main_of(L);
  rl_app *app = luaL_checkudata(L, 1, "rille.compiled_app");
  main->handler = &app->dispatch.handler;
  if (main->on_ready) rl_heartbeat_grace(main->vm, (uint64_t)(main->shutdown_timeout * 1000));
  if (main->on_ready) main->on_ready(main, main->handler);
  return 0;
}

static bool undo_wait_stop(rl_task *task, void *ud) {
  (void)task;
  ((rl_main *)ud)->waiting.task = NULL;
  return true;
}

/* wait_stop() */
static int l_wait_stop(lua_State *L) {
  rl_main *main = rl_main_of(L);
  if (main->stopping) return 0;
  main->waiting = rl_task_waker(rl_task_may_wait(L, "the stop"));
  return rl_task_wait(L, "the stop", undo_wait_stop, main, NULL, 0);
}

/* shutdown_timeout() -> seconds */
static int l_shutdown_timeout(lua_State *L) {
  lua_pushnumber(L, rl_main_of(L)->shutdown_timeout);
  return 1;
}

/* stop_status() -> the exit status of a command that ends because it was told to stop, or nil where it was not */
static int l_stop_status(lua_State *L) {
  const rl_main *main = rl_main_of(L);
  if (!main->stopping && !rl_stop_asked()) return 0; /* where it computed, the loop has not come to tell it */
  lua_pushinteger(L, main->stop_status == RL_MAIN_BY_SIGNAL ? 128 + rl_stop_number() : main->stop_status);
  return 1;
}

/* failed(json): the error that ends the program */
static int l_failed(lua_State *L) {
  rl_main *main = rl_main_of(L);
  if (main->on_failure) main->on_failure(main, rl_check_slice(L, 1));
  return 0;
}

/* record(json): a request was answered (development) */
static int l_record(lua_State *L) {
  rl_main *main = rl_main_of(L);
  if (main->on_record) main->on_record(main, rl_check_slice(L, 1));
  return 0;
}

/* ---- app:keep ------------------------------------------------------------------------------------------------------------- */

static const char kept_key = 0; /* registry: name -> table */

static void push_kept(lua_State *L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &kept_key) == LUA_TTABLE) return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &kept_key);
}

/* Runs in the state before, protected. Stack: the name (a slice), the buffer. */
static int copy_kept(lua_State *L) {
  push_kept(L);
  rl_push_slice(L, *(rl_slice *)lua_touserdata(L, 1));
  lua_rawget(L, -2);
  rl_copy_out(L, -1, lua_touserdata(L, 2));
  return 0;
}

/* Fills `out` with what the state before keeps under that name; where it cannot be copied a line in the log says why. */
static void take_kept(lua_State *from, rl_slice name, rl_buf *out) {
  int top = lua_gettop(from);
  if (!lua_checkstack(from, 8)) return;
  lua_pushcfunction(from, copy_kept);
  lua_pushlightuserdata(from, &name);
  lua_pushlightuserdata(from, out);
  if (lua_pcall(from, 2, 0, 0) != LUA_OK) {
    rl_buf_clear(out);
    const char *why = lua_type(from, -1) == LUA_TSTRING ? lua_tostring(from, -1) : "out of memory";
    rl_logf(RL_LOG_WARN, "keep: '%.*s' starts afresh: %s", (int)name.len, name.data, why);
  }
  lua_settop(from, top);
}

/* keep(name, table) -> a copy of what the code before kept under this name, or nil */
static int l_keep(lua_State *L) {
  rl_main *main = rl_main_of(L);
  rl_slice name = rl_check_slice(L, 1);
  luaL_checktype(L, 2, LUA_TTABLE);
  push_kept(L);
  lua_pushvalue(L, 1);
  lua_pushvalue(L, 2);
  lua_rawset(L, -3);
  if (!main->before) return 0;
  rl_buf *copy = rl_scratch_push(L);
  take_kept(main->before->L, name, copy);
  rl_slice in = rl_buf_slice(copy);
  if (in.len) rl_copy_in(L, &in);
  else lua_pushnil(L);
  rl_scratch_give(copy);
  return 1;
}

static int exit_status(lua_State *L) {
  if (lua_isnoneornil(L, 1)) return 0;
  if (lua_isboolean(L, 1)) return lua_toboolean(L, 1) ? 0 : 1;
  return (int)luaL_checkinteger(L, 1);
}

/* exit(status): ends the program. The state is closed by C once nothing runs in it, never under a running task: so the one
 * that calls simply never goes on. A serving process has other tasks under way: it ends at once. */
static int l_exit(lua_State *L) {
  rl_main *main = rl_main_of(L);
  int status = exit_status(L);
  fflush(NULL);
  rl_strand *strand = rl_strand_of(L);
  if (main->on_ready || !strand || !strand->task || !lua_isyieldable(L) || strand->blocked) _exit(status);
  main->on_end(main, status);
  return rl_task_wait(L, "the end", rl_task_undo_nothing, NULL, NULL, 0);
}

static const luaL_Reg functions[] = {{"ready", l_ready},
                                     {"wait_stop", l_wait_stop},
                                     {"shutdown_timeout", l_shutdown_timeout},
                                     {"stop_status", l_stop_status},
                                     {"failed", l_failed},
                                     {"record", l_record},
                                     {"keep", l_keep},
                                     {"exit", l_exit},
                                     {NULL, NULL}};

void rl_bind_main(lua_State *L) { luaL_setfuncs(L, functions, 0); }
