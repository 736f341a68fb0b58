/* The end of a task: its children, its results, and failures that nobody takes. See task.h. */
#include "vm/task/task.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "vm/error.h"

static int leave_k(lua_State *L, int status, lua_KContext keep) {
  (void)status;
  rl_task *task = rl_task_running(L);
  for (rl_list *node; task->extra && (node = rl_list_shift(&task->extra->failures));)
    rl_failure_log(RL_CONTAINER(node, rl_failure, node));
  return lua_gettop(L) - (int)keep;
}

int rl_task_leave(lua_State *L, int keep) {
  rl_task *task = rl_task_running(L);
  task->ending = true;
  if (rl_list_empty(&task->children)) return leave_k(L, LUA_OK, keep);
  RL_LIST_EACH(&task->children, node)
    rl_task_cancel(RL_CONTAINER(node, rl_task, sibling), RL_ECANCELLED, "the task it belongs to has ended");
  if (rl_list_empty(&task->children)) return leave_k(L, LUA_OK, keep);
  return rl_task_wait(L, "its children to end", rl_task_undo_nothing, NULL, leave_k, keep);
}

static char *copy_text(const char *text) { return text ? rl_strndup(text, strlen(text)) : NULL; }

static int failure_gc(lua_State *L) {
  rl_failure_log(lua_touserdata(L, 1));
  return 0;
}

/* Pushes a failure for the parent's list. Whether anybody takes it is known later. */
static rl_failure *push_failure(lua_State *L, const char *text, const char *trace) {
  rl_failure *failure = lua_newuserdatauv(L, sizeof *failure, 0);
  *failure = (rl_failure){0};
  rl_list_init(&failure->node);
  if (luaL_newmetatable(L, "rille.failure")) {
    lua_pushcfunction(L, failure_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  failure->error = copy_text(text);
  failure->trace = copy_text(trace);
  return failure;
}

/* What failed although it was only to end: where it was cancelled is said too. */
static const char *add_cancellation(lua_State *L, const rl_task *task, const char *trace) {
  if (task->base.state == RL_SCOPE_QUIET || task->base.value_ref == LUA_NOREF) return trace;
  lua_rawgeti(L, LUA_REGISTRYINDEX, task->base.value_ref);
  if (rl_error_is(L, -1)) lua_getfield(L, -1, "traceback");
  if (!lua_isstring(L, -1)) return trace;
  return lua_pushfstring(L, "%s\nit had been cancelled here, %s", trace ? trace : "", lua_tostring(L, -1));
}

/* Stack top: the table of what the handle keeps; the failure is added to it. */
static void keep_failure(lua_State *L, rl_task *task, const char *text, const char *trace) {
  int kept = lua_gettop(L);
  rl_failure *failure = push_failure(L, text, add_cancellation(L, task, trace));
  lua_rawseti(L, kept, 3);
  lua_settop(L, kept);
  task->handle->failure = failure;
  rl_task_extra *extra = task->parent ? rl_task_extra_of(task->parent) : NULL;
  if (extra) rl_list_push(&extra->failures, &failure->node);
  else rl_failure_log(failure);
}

/* Stack: the handle at 1, the error on top. Nothing that was raised vanishes: it is raised in the group, in whoever waits, or
 * logged. A cancelled task that ends by its cancellation has not failed. */
static void keep_error(lua_State *L, rl_task *task) {
  rl_task_handle *handle = task->handle;
  int value = lua_gettop(L);
  bool told = false;
  const char *text, *trace;
  handle->results = -1;
  handle->cancelled = rl_scope_raised(L, &task->base, value);
  rl_raised_describe(L, value, &text, &trace);
  lua_createtable(L, 3, 0);
  lua_pushvalue(L, value);
  lua_rawseti(L, -2, 1);
  lua_pushvalue(L, value + 2);
  lua_rawseti(L, -2, 2);
  if (task->group && !handle->cancelled) {
    lua_pushvalue(L, value);
    told = rl_scope_fire_with(L, task->group);
  }
  bool ended_others = task->base.state != RL_SCOPE_QUIET || task->group;
  if (!told && !handle->cancelled && (ended_others || rl_list_empty(&task->waiters)))
    keep_failure(L, task, text, trace);
  lua_setiuservalue(L, 1, 1);
}

/* Stack: the handle at 1, the message handler, the results. */
static void keep_results(lua_State *L, rl_task *task) {
  int count = lua_gettop(L) - 2;
  if (task->failed) {
    keep_error(L, task);
    return;
  }
  task->handle->results = count;
  if (count > 1) {
    lua_createtable(L, count, 0);
    lua_insert(L, 3);
    for (int i = count; i >= 1; i--) lua_rawseti(L, 3, i);
  }
  if (count) lua_setiuservalue(L, 1, 1);
}

static void log_failure(const char *message, const char *text, const char *trace) {
  rl_log_field fields[2] = {RL_LOG_TEXT_FIELD("error", rl_slice_str(text ? text : "out of memory")),
                            RL_LOG_TEXT_FIELD("traceback", rl_slice_str(trace))};
  rl_log(RL_LOG_ERROR, rl_slice_str(message), fields, trace ? 2 : 1);
}

void rl_task_log_error(lua_State *L, int index, const char *message) {
  int top = lua_gettop(L);
  const char *text, *trace;
  rl_raised_describe(L, index, &text, &trace);
  log_failure(message, text, trace);
  lua_settop(L, top);
}

static int base_k(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  rl_task *task = rl_task_running(L);
  task->failed = status != LUA_OK && status != LUA_YIELD;
  if (task->failed) rl_pulse_pass(&task->vm->pulse); /* here it ends, whatever the error was */
  if (task->handle) keep_results(L, task);
  else if (task->failed && !task->on_end) rl_task_log_error(L, lua_gettop(L), "a task failed");
  if (!task->on_end) lua_settop(L, 1); /* the handle stays anchored while children are awaited */
  return rl_task_leave(L, lua_gettop(L) < 2 ? lua_gettop(L) : 2);
}

int rl_task_base(lua_State *L) {
  rl_task *task = rl_task_running(L);
  lua_pushcfunction(L, rl_raised_handler);
  lua_insert(L, 2);
  if (rl_scope_due(task)) { /* cancelled before it started: it never runs */
    lua_settop(L, 2);
    rl_scope_push_error(L, &task->base);
    return base_k(L, LUA_ERRRUN, 0);
  }
  int nargs = lua_gettop(L) - 3;
  return base_k(L, lua_pcallk(L, nargs, LUA_MULTRET, 2, 0, base_k), 0);
}

/* ---- failures that nobody takes ---------------------------------------------------------------------------------------------- */

void rl_failure_waited(rl_failure *failure) {
  rl_list_remove(&failure->node);
  rl_free(failure->error);
  rl_free(failure->trace);
  failure->error = failure->trace = NULL;
}

void rl_failure_log(rl_failure *failure) {
  if (failure->error) log_failure("a task failed and nobody waited for it", failure->error, failure->trace);
  rl_failure_waited(failure);
}
