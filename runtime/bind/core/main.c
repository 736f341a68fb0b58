/* The main task for lua/rille/boot.lua: ready, the stop, the exit status, app:keep. See app/main.h. */
#include "app/main.h"

#include <unistd.h>

#include "app/dashboard.h"
#include "app/serving.h"
#include "base/error.h"
#include "base/log.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "loop/stop.h"
#include "vm/copy.h"
#include "vm/inspect.h"
#include "vm/owner.h"
#include "vm/task/heartbeat.h"

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
