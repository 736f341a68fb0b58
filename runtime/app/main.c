/* The main task: started by C, talked to by lua/rille/boot.lua. See main.h. */
#include "app/main.h"

#include "app/serving.h"
#include "base/error.h"
#include "base/log.h"
#include "vm/inspect.h"

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
  if (main->task && main->vm->give_up && main->vm->give_up(main->vm)) return true;
  if (main->stuck || !main->task) return false;
  main->stuck = true;
  rl_inspect_log_stuck(main->vm);
  rl_task_cancel(main->task, RL_ECANCELLED, "all tasks were waiting for each other");
  return true;
}

unsigned rl_main_requests(const rl_main *main) { return main->handler ? ((rl_app *)main->handler)->serving : 0; }

unsigned rl_main_cancel_requests(rl_main *main) {
  return main->handler ? rl_serving_cancel_all((rl_app *)main->handler, "its code was replaced") : 0;
}
