/*
 * The primitives of tasks for Lua: sleep, spawn, wait, cancel, try. lua/rille/task.lua builds all, race, group, channel and the
 * others on them.
 *
 * Lua sees an rl_task_handle (vm/task/task.h), a userdata that outlives its task and keeps its results.
 */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"

/* ---- sleep ------------------------------------------------------------------------------------------------------------------ */

/* sleep(seconds): 0 lets everything that is ready run first */
static int l_sleep(lua_State *L) {
  double seconds = rl_check_seconds(L, 1);
  if (seconds == 0) return rl_task_yield(L, "sleep");
  rl_task_arm_timer(rl_task_may_wait(L, "sleep"), ceil(seconds * 1000));
  return rl_task_wait(L, "sleep", rl_task_undo_armed, NULL, NULL, 0);
}

/* checkpoint(): raises if a cancellation is due; waits for nothing */
static int l_checkpoint(lua_State *L) {
  rl_task_may_wait(L, "checkpoint");
  return 0;
}

/* ---- spawn and wait ------------------------------------------------------------------------------------------------------------ */

static rl_task_handle *check_handle(lua_State *L, int index) { return luaL_checkudata(L, index, "rille.task"); }

rl_task *rl__task_running(lua_State *L, const char *what) {
  rl_task *task = rl_task_running(L);
  if (!task) rl_error_mistake(L, "%s outside a task", what);
  return task;
}

/* Pushes a handle without a task. */
static rl_task_handle *push_handle(lua_State *L) {
  rl_task_handle *handle = lua_newuserdatauv(L, sizeof *handle, 1);
  *handle = (rl_task_handle){0};
  rl_vm_push_ref(L, RL_REF_TASK_META);
  lua_setmetatable(L, -2);
  return handle;
}

/* Makes a task for the handle, with room for `count` values on its stack. If it raises, no task is left. */
static rl_task *make_task(lua_State *L, rl_task_handle *handle, rl_task *parent, int count) {
  rl_task *task = rl_task_new(rl_vm_of(L), parent, L);
  if (!task) rl_error_raise(L, RL_ENOMEM, NULL);
  if (!lua_checkstack(task->strand.co, count)) {
    rl_task_del(task);
    rl_error_raise(L, RL_ENOMEM, NULL);
  }
  task->handle = handle;
  handle->task = task;
  return task;
}

int rl__task_spawn(lua_State *L, int first, rl_task *parent, rl_scope *group) {
  luaL_checktype(L, first, LUA_TFUNCTION);
  int count = lua_gettop(L) - first + 1;
  luaL_checkstack(L, 4, "spawn");
  rl_task_handle *handle = push_handle(L);
  rl_task *task = make_task(L, handle, parent, count + 2); /* nothing raises from here on */
  lua_State *co = task->strand.co;
  task->group = group;
  lua_pushvalue(L, -1);
  lua_insert(L, first);
  lua_pushcfunction(co, rl_task_base);
  lua_insert(L, first); /* two copies of the handle: one for the caller, one for the base */
  lua_xmove(L, co, count + 1);
  task->nargs = count + 1;
  rl_task_start(task);
  return 1;
}

/* spawn(f, ...) -> task: a child of the running task */
static int l_spawn(lua_State *L) { return rl__task_spawn(L, 1, rl__task_running(L, "spawn"), NULL); }

/* spawn_root(f, ...) -> task: has no parent */
static int l_spawn_root(lua_State *L) { return rl__task_spawn(L, 1, NULL, NULL); }

static RL_RAISES int raise_failure(lua_State *L, rl_task_handle *handle) {
  if (handle->failure) rl_failure_waited(handle->failure);
  if (lua_type(L, -1) != LUA_TTABLE) rl_error_raise(L, RL_ENOMEM, NULL); /* its base had no memory to keep the error */
  lua_rawgeti(L, -1, 1);
  lua_rawgeti(L, -2, 2);
  rl_raised_note_trace(L, -2);
  lua_error(L);
}

static int push_results(lua_State *L, int index) {
  rl_task_handle *handle = lua_touserdata(L, index);
  if (handle->results == 0) return 0;
  lua_getiuservalue(L, index, 1);
  if (handle->results < 0) return raise_failure(L, handle);
  if (handle->results == 1) return 1;
  int count = handle->results, table = lua_gettop(L);
  luaL_checkstack(L, count, "too many results");
  for (int i = 1; i <= count; i++) lua_rawgeti(L, table, i);
  return count;
}

static void check_not_own(lua_State *L, const rl_task *task, const rl_task *waits_for) {
  for (; task; task = task->parent)
    if (task == waits_for) rl_error_mistake(L, "a task cannot wait for itself or for a task it belongs to");
}

/* Waits for the end of the task at index 1, then runs `k`. */
static int wait_for_end(lua_State *L, lua_KFunction k) {
  rl_task_handle *handle = check_handle(L, 1);
  rl_task *task = rl_task_may_wait(L, "a task");
  if (!handle->task) return k(L, LUA_OK, 0);
  check_not_own(L, task, handle->task);
  rl_task_arm_end(task, handle->task);
  return rl_task_wait(L, "a task", rl_task_undo_armed, NULL, k, 0);
}

static int wait_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  return push_results(L, 1);
}

/* task:wait() -> its results, or raises its error */
static int l_wait(lua_State *L) { return wait_for_end(L, wait_k); }

static int ended_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  lua_pushboolean(L, ((rl_task_handle *)lua_touserdata(L, 1))->results >= 0);
  return 1;
}

/* wait_end(task) -> whether it succeeded; raises nothing of the task's */
static int l_wait_end(lua_State *L) { return wait_for_end(L, ended_k); }

/* task:cancel(reason?) */
static int l_cancel(lua_State *L) {
  rl_task_handle *handle = check_handle(L, 1);
  const char *reason = luaL_optstring(L, 2, NULL);
  if (handle->task) rl_task_cancel(handle->task, RL_ECANCELLED, reason);
  return 0;
}

static const char *handle_status(const rl_task_handle *handle) {
  if (handle->task) return "running";
  if (handle->results >= 0) return "done";
  return handle->cancelled ? "cancelled" : "failed";
}

static int handle_index(lua_State *L) {
  rl_task_handle *handle = check_handle(L, 1);
  const char *key = luaL_checkstring(L, 2);
  if (strcmp(key, "status") == 0) lua_pushstring(L, handle_status(handle));
  else {
    lua_getmetatable(L, 1);
    lua_pushvalue(L, 2);
    if (lua_rawget(L, -2) == LUA_TNIL) return rl_unknown(L, "task", 2);
  }
  return 1;
}

static int handle_tostring(lua_State *L) {
  rl_task_handle *handle = check_handle(L, 1);
  lua_pushfstring(L, "task (%s)", handle_status(handle));
  return 1;
}

/* current_task_id() -> its number among all tasks of the state, or nil */
static int l_current_task_id(lua_State *L) {
  rl_task *task = rl_task_running(L);
  if (task) lua_pushinteger(L, (lua_Integer)task->id);
  else lua_pushnil(L);
  return 1;
}

/* ---- the first of several to end ---------------------------------------------------------------------------------------------------- */

typedef struct any_node {
  rl_waiter waiter;
  struct any *any;
  int index;
} any_node;

typedef struct any {
  rl_waker waker;
  int count, first;
  any_node nodes[];
} any;

static void unlink_any(any *a) {
  for (int i = 0; i < a->count; i++) rl_list_remove(&a->nodes[i].waiter.node);
}

static void on_any_end(rl_waiter *waiter, rl_task *ended) {
  (void)ended;
  any_node *node = RL_CONTAINER(waiter, any_node, waiter);
  any *a = node->any;
  a->first = node->index;
  rl_list_init(&node->waiter.node);
  unlink_any(a);
  rl_task_wake(&a->waker);
}

static bool undo_any(rl_task *task, void *ud) {
  (void)task;
  unlink_any(ud);
  ((any *)ud)->waker.task = NULL;
  return true;
}

static int any_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  lua_pushinteger(L, ((any *)ctx)->first);
  return 1;
}

/* wait_any(tasks) -> index of the first that has ended */
static int l_wait_any(lua_State *L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  rl_task *task = rl_task_may_wait(L, "the first of several tasks");
  int count = (int)lua_rawlen(L, 1);
  luaL_argcheck(L, count > 0, 1, "no tasks to wait for");
  for (int i = 1; i <= count; i++, lua_pop(L, 1)) lua_rawgeti(L, 1, i), check_handle(L, -1); /* raises */
  any *a = lua_newuserdatauv(L, sizeof *a + (size_t)count * sizeof *a->nodes, 0);
  *a = (any){.waker = rl_task_waker(task)};
  for (int i = 1; i <= count; i++) {
    lua_rawgeti(L, 1, i);
    rl_task_handle *handle = check_handle(L, -1);
    lua_pop(L, 1);
    if (!handle->task) {
      unlink_any(a);
      lua_pushinteger(L, i);
      return 1;
    }
    any_node *node = &a->nodes[a->count++];
    *node = (any_node){.waiter.on_end = on_any_end, .any = a, .index = i};
    rl_list_push(&handle->task->waiters, &node->waiter.node);
  }
  return rl_task_wait(L, "the first of several tasks", undo_any, a, any_k, (lua_KContext)a);
}

/* ---- try ------------------------------------------------------------------------------------------------------------------------------------- */

static int try_k(lua_State *L, int status, lua_KContext number) {
  if (status == LUA_OK || status == LUA_YIELD) {
    rl_protect_leave(L, (unsigned)number, false);
    return lua_gettop(L) - 1;
  }
  bool passes = rl_protect_is_cancellation(L, (unsigned)number) || lua_type(L, -1) == LUA_TUSERDATA;
  rl_protect_leave(L, (unsigned)number, !passes);
  if (passes) return lua_error(L);
  lua_pushnil(L);
  rl_raised_wrap(L, -2);
  return 2;
}

/* try(f, ...) -> results... | nil, error value; a cancellation and a raised response pass through */
static int l_try(lua_State *L) {
  luaL_checkany(L, 1);
  lua_pushcfunction(L, rl_raised_handler);
  lua_insert(L, 1);
  lua_KContext number = rl_protect_enter(L);
  return try_k(L, lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 1, number, try_k), number);
}

/* ---- inspection --------------------------------------------------------------------------------------------------------------------------------- */

static void push_description(lua_State *L, const rl_task *task) {
  lua_createtable(L, 0, 6);
  lua_pushinteger(L, (lua_Integer)task->id);
  lua_setfield(L, -2, "id");
  lua_pushinteger(L, task->waits);
  lua_setfield(L, -2, "count");
  if (task->line) lua_pushfstring(L, "%s:%d", task->site, task->line);
  else lua_pushstring(L, task->site ? task->site : "main");
  lua_setfield(L, -2, "spawned");
  if (task->parent) lua_pushinteger(L, (lua_Integer)task->parent->id), lua_setfield(L, -2, "parent");
  if (task->wait_name) {
    char more[160] = "";
    if (task->vm->describe_wait) task->vm->describe_wait(task, more, sizeof more);
    lua_pushfstring(L, "%s%s", task->wait_name, more);
    lua_setfield(L, -2, "waits");
    lua_pushnumber(L, (double)(rl_loop_now(task->vm->loop) - task->wait_since) / 1000);
    lua_setfield(L, -2, "seconds");
  }
}

static void add_description(void *ud, rl_task *task, unsigned depth) {
  (void)depth;
  lua_State *L = ud;
  push_description(L, task);
  lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
}

/* tasks() -> list of {id, spawned, parent, count, waits, seconds}: it has waited `count` times, now for `waits` */
static int l_tasks(lua_State *L) {
  lua_newtable(L);
  rl_task_each(rl_vm_of(L), add_description, L);
  return 1;
}

static const luaL_Reg functions[] = {{"sleep", l_sleep},       {"checkpoint", l_checkpoint},
                                     {"spawn", l_spawn},       {"spawn_root", l_spawn_root},
                                     {"wait_end", l_wait_end}, {"wait_any", l_wait_any},
                                     {"try", l_try},           {"current_task_id", l_current_task_id},
                                     {"tasks", l_tasks},       {NULL, NULL}};

static const luaL_Reg handle_methods[] = {{"wait", l_wait},
                                          {"cancel", l_cancel},
                                          {"__index", handle_index},

                                          {"__tostring", handle_tostring},
                                          {NULL, NULL}};

void rl_bind_task(lua_State *L) {
  rl_new_metatable(L, "rille.task");
  luaL_setfuncs(L, handle_methods, 0);
  lua_pushvalue(L, -1);
  lua_setfield(L, -3, "task_methods"); /* for lua/rille/names.lua */
  rl_vm_keep_meta(L, RL_REF_TASK_META);
  rl_lets_waits_through(L, l_try);
  luaL_setfuncs(L, functions, 0);
}
