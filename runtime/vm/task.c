/* Tasks: their life, their waits, and the one function that resumes. Cancellation is in scope.c. See task.h. */
#include "vm/task.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "vm/error.h"

enum { IDLE_KEPT = 1024 };

/* ---- threads and their pool ---------------------------------------------------------------------------------------------- */

static void set_strand(lua_State *L, rl_strand *strand) { *(rl_strand **)lua_getextraspace(L) = strand; }

/* A new thread, anchored in the registry: returns its reference. Runs protected: it allocates. */
static int make_thread(lua_State *L) {
  lua_State **out = lua_touserdata(L, 1);
  *out = lua_newthread(L);
  lua_pushinteger(L, luaL_ref(L, LUA_REGISTRYINDEX));
  return 1;
}

static rl_task *make_task(rl_vm *vm) {
  rl_task *task = rl_calloc(1, sizeof *task);
  if (!task) return NULL;
  lua_State *L = vm->L;
  lua_pushcfunction(L, make_thread);
  lua_pushlightuserdata(L, &task->strand.co);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    rl_free(task);
    return NULL;
  }
  task->thread_ref = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  task->vm = vm;
  set_strand(task->strand.co, &task->strand);
  rl_list_init(&task->node);
  return task;
}

static rl_task *take_task(rl_vm *vm) {
  rl_list *idle = rl_list_shift(&vm->idle);
  if (!idle) return make_task(vm);
  vm->idle_count--;
  return RL_CONTAINER(idle, rl_task, node);
}

/* Those that its unwinding did not reach: their memory is Lua's and goes with the thread. */
static void stop_timeouts(rl_task *task) {
  for (rl_scope *scope = task->scope; scope && scope != &task->base; scope = scope->outer)
    if (scope->kind == RL_SCOPE_TIMEOUT) rl_timer_stop(task->vm->loop, &((rl_timeout *)scope)->timer);
  task->scope = &task->base;
}

static void drop_task(rl_task *task) {
  luaL_unref(task->vm->L, LUA_REGISTRYINDEX, task->thread_ref);
  rl_free(task->cleanup);
  rl_free(task);
}

void rl_task_forget_all(rl_vm *vm) {
  RL_LIST_EACH(&vm->tasks, node) { /* a job that ends later must not wake what is freed here */
    rl_task *task = RL_CONTAINER(node, rl_task, node);
    if (task->status == RL_TASK_WAITING && task->undo) task->undo(task, task->undo_ud);
  }
  for (rl_list *node; (node = rl_list_shift(&vm->tasks));) {
    rl_task *task = RL_CONTAINER(node, rl_task, node);
    rl_loop_unpost(vm->loop, &task->post);
    rl_timer_stop(vm->loop, &task->timer);
    if (task->cleanup) rl_timer_stop(vm->loop, &task->cleanup->timer);
    stop_timeouts(task);
    rl_free((char *)(uintptr_t)task->reason);
    rl_free(task->cleanup);
    rl_free(task);
  }
}

void rl_task_pool_free(rl_vm *vm) {
  for (rl_list *node; (node = rl_list_shift(&vm->idle));) drop_task(RL_CONTAINER(node, rl_task, node));
  vm->idle_count = 0;
}

/* A thread whose base returned can start another function; one that died by an error is given up. */
static void recycle(rl_task *task, bool clean) {
  rl_vm *vm = task->vm;
  lua_settop(task->strand.co, 0);
  if (!clean || vm->idle_count >= IDLE_KEPT) {
    drop_task(task);
    return;
  }
  rl_list_push(&vm->idle, &task->node);
  vm->idle_count++;
}

/* ---- where it was spawned -------------------------------------------------------------------------------------------------- */

static void note_site(rl_task *task, lua_State *from) {
  lua_Debug ar;
  task->line = 0;
  for (int level = 1; from && lua_getstack(from, level, &ar); level++) {
    lua_getinfo(from, "Sl", &ar);
    if (*ar.what == 'C' || strncmp(ar.source, "=rille/", 7) == 0) continue;
    size_t len = strlen(ar.short_src), skip = len >= RL_SITE_LEN ? len - (RL_SITE_LEN - 1) : 0;
    memcpy(task->site, ar.short_src + skip, len - skip + 1); /* of a long name its end tells more */
    task->line = ar.currentline;
    return;
  }
}

void rl_task_add_ancestors(lua_State *L, const rl_task *task) {
  int pieces = 1;
  for (; task; task = task->parent) {
    if (!task->line) continue;
    lua_pushfstring(L, "\n\tspawned at %s:%d", task->site, task->line);
    if (++pieces > 16) break;
  }
  lua_concat(L, pieces);
}

/* ---- life ------------------------------------------------------------------------------------------------------------------ */

rl_task *rl_task_new(rl_vm *vm, rl_task *parent, lua_State *from) {
  rl_task *task = take_task(vm);
  if (!task) return NULL;
  task->strand.task = task;
  task->strand.protected_calls = 0;
  task->strand.blocked = false;
  task->current = &task->strand;
  rl_post_init(&task->post);
  rl_list_init(&task->sibling);
  rl_list_init(&task->children);
  rl_list_init(&task->waiters);
  rl_list_init(&task->unwaited);
  rl_list_init(&task->waiter.node);
  task->scope = &task->base;
  task->group = NULL;
  task->base = (rl_scope){.task = task, .kind = RL_SCOPE_TASK, .value_ref = LUA_NOREF};
  task->status = RL_TASK_READY;
  task->failed = task->interrupted = task->cleaning = task->ending = false;
  task->handle_ref = task->trace_ref = LUA_NOREF;
  task->reason = NULL;
  task->wait_name = "to start";
  task->wait_since = rl_loop_now(vm->loop);
  task->undo = NULL;
  task->on_end = NULL;
  task->owner = NULL;
  task->id = ++vm->next_task_id;
  note_site(task, from);
  task->parent = parent;
  if (parent) rl_list_push(&parent->children, &task->sibling);
  rl_list_push(&vm->tasks, &task->node);
  vm->task_count++;
  return task;
}

rl_task *rl_task_running(lua_State *L) {
  rl_strand *strand = rl_strand_of(L);
  return strand ? strand->task : NULL;
}

int rl_strand_resume(rl_strand *strand, lua_State *from, int nargs, int *nres) {
  rl_task *task = strand->task;
  rl_strand *before = task->current;
  task->current = strand;
  int status = lua_resume(strand->co, from, nargs, nres);
  if (!(status == LUA_YIELD && task->status == RL_TASK_WAITING)) task->current = before;
  return status;
}

static void let_go_of_handle(rl_task *task) {
  lua_State *L = task->vm->L;
  if (task->handle_ref == LUA_NOREF) return;
  lua_rawgeti(L, LUA_REGISTRYINDEX, task->handle_ref);
  ((rl_task_handle *)lua_touserdata(L, -1))->task = NULL;
  lua_pop(L, 1);
  luaL_unref(L, LUA_REGISTRYINDEX, task->handle_ref);
}

static void on_task_end(rl_task *task) {
  rl_vm *vm = task->vm;
  task->status = RL_TASK_ENDED;
  rl_list_remove(&task->node);
  rl_list_remove(&task->sibling);
  vm->task_count--;
  RL_LIST_EACH(&task->children, node) RL_CONTAINER(node, rl_task, sibling)->parent = NULL;
  rl_list_init(&task->children);
  let_go_of_handle(task);
  if (task->on_end) task->on_end(task);
  for (rl_list *node; (node = rl_list_shift(&task->waiters));) {
    rl_waiter *waiter = RL_CONTAINER(node, rl_waiter, node);
    waiter->on_end(waiter, task);
  }
  rl_task *parent = task->parent;
  if (parent && parent->ending && rl_list_empty(&parent->children)) rl_task_wake(parent);
  if (task->trace_ref != LUA_NOREF) luaL_unref(vm->L, LUA_REGISTRYINDEX, task->trace_ref);
  rl_free((char *)(uintptr_t)task->reason);
}

/* The base itself failed (out of memory, an error while an error was handled): nothing of the program caught it. */
static void on_base_failed(rl_task *task) {
  lua_State *co = task->strand.co;
  const char *text = lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "an error that is not a string";
  rl_logf(RL_LOG_ERROR, "task %llu ended abnormally: %s", (unsigned long long)task->id, text);
  task->failed = true;
  stop_timeouts(task);
  if (task->handle_ref == LUA_NOREF) return;
  lua_rawgeti(task->vm->L, LUA_REGISTRYINDEX, task->handle_ref);
  ((rl_task_handle *)lua_touserdata(task->vm->L, -1))->results = -1;
  lua_pop(task->vm->L, 1);
}

static void run(rl_task *task) {
  rl_vm *vm = task->vm;
  rl_task *before = vm->running;
  int nargs = task->nargs, nres = 0;
  task->nargs = 0;
  task->status = RL_TASK_RUNNING;
  task->wait_name = NULL;
  vm->running = task;
  task->current = &task->strand;
  int status = rl_strand_resume(&task->strand, vm->L, nargs, &nres);
  vm->running = before;
  if (status == LUA_YIELD) return;
  if (status != LUA_OK) on_base_failed(task);
  on_task_end(task);
  if (status != LUA_OK) lua_resetthread(task->strand.co);
  recycle(task, status == LUA_OK);
}

static void on_post(rl_post *post) { run(RL_CONTAINER(post, rl_task, post)); }

void rl_task_start(rl_task *task) { rl_loop_post(task->vm->loop, &task->post, on_post); }

void rl_task_run(rl_task *task) {
  if (task->vm->running) rl_task_start(task);
  else run(task);
}

/* ---- waiting ----------------------------------------------------------------------------------------------------------------- */

/* What stands between the wait and its thread's base: described by the table of vm/coroutine.c, keyed by function. */
static const char *describe_barrier(lua_State *L, lua_State *co, int level, lua_Debug *ar) {
  for (; lua_getstack(co, level, ar); level++) {
    lua_getinfo(co, "nS", ar);
    if (strcmp(ar->namewhat, "metamethod") == 0 && ar->name && strcmp(ar->name, "__gc") == 0)
      return "a finalizer (__gc)";
    if (*ar->what != 'C') continue;
    lua_getinfo(co, "f", ar);
    if (co != L) lua_xmove(co, L, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "rille.barriers");
    lua_insert(L, -2);
    lua_rawget(L, -2);
    if (lua_isboolean(L, -1)) { /* one that lets waits through */
      lua_pop(L, 2);
      continue;
    }
    if (lua_isstring(L, -1)) return lua_tostring(L, -1);
    return lua_pushfstring(L, "the C function '%s'", ar->name ? ar->name : "?");
  }
  return NULL;
}

static int raise_impossible(lua_State *L, const char *name, rl_strand *strand) {
  lua_Debug ar, where;
  const char *inside = NULL;
  for (; strand && !inside; strand = strand->resumer)
    inside = describe_barrier(L, strand->co, strand->co == L ? 1 : 0, &ar);
  for (int level = 1; lua_getstack(L, level, &where); level++) {
    lua_getinfo(L, "Sl", &where);
    if (*where.what == 'C' || strncmp(where.source, "=rille/", 7) == 0) continue;
    return luaL_error(L, "cannot wait for %s inside %s, %s:%d", name, inside ? inside : "a C function", where.short_src,
                      where.currentline);
  }
  return luaL_error(L, "cannot wait for %s inside %s", name, inside ? inside : "a C function");
}

rl_task *rl_task_may_wait(lua_State *L, const char *name) {
  rl_strand *strand = rl_strand_of(L);
  rl_task *task = strand ? strand->task : NULL;
  if (!task) luaL_error(L, "cannot wait for %s outside a task", name);
  if (!lua_isyieldable(L) || strand->blocked) raise_impossible(L, name, strand);
  if (rl_scope_due(task)) rl_scope_raise_due(L, task);
  return task;
}

static void on_cleanup_over(rl_timer *timer);

static int wait_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_task *task = rl_task_running(L);
  if (task->cleanup) rl_timer_stop(task->vm->loop, &task->cleanup->timer);
  if (task->interrupted) {
    task->interrupted = false;
    if (rl_scope_due(task)) return rl_scope_raise_due(L, task);
    return rl_error_raise(L, RL_ETIMEOUT, "cleanup took longer than %u s", RL_LIMIT_CLEANUP_MS / 1000);
  }
  return task->wait_k ? task->wait_k(L, LUA_YIELD, task->wait_ctx) : 0;
}

/* Inside __close of a cancelled scope: what is waited for has until cleanup_until. */
static void bound_cleanup(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  if (!task->cleanup) task->cleanup = rl_calloc(1, sizeof *task->cleanup);
  if (!task->cleanup) return; /* unbounded rather than broken */
  uint64_t now = rl_loop_now(loop);
  task->cleanup->task = task;
  rl_timer_start(loop, &task->cleanup->timer, task->cleanup_until > now ? task->cleanup_until - now : 0,
                 on_cleanup_over);
}

int rl_task_wait(lua_State *L, const char *name, void (*undo)(rl_task *task, void *ud), void *ud, lua_KFunction k,
                 lua_KContext ctx) {
  rl_task *task = rl_task_running(L);
  task->status = RL_TASK_WAITING;
  task->wait_name = name;
  task->wait_since = rl_loop_now(task->vm->loop);
  task->undo = undo;
  task->undo_ud = ud;
  task->wait_k = k;
  task->wait_ctx = ctx;
  if (task->cleaning && !task->ending) bound_cleanup(task);
  return lua_yieldk(L, 0, 0, wait_k);
}

void rl_task_wake(rl_task *task) {
  if (task->status != RL_TASK_WAITING) return;
  task->status = RL_TASK_READY;
  task->undo = NULL;
  rl_task_start(task);
}

/* The path of every cancellation. */
void rl_task_interrupt(rl_task *task) {
  if (task->status != RL_TASK_WAITING || task->ending) return;
  if (task->undo) task->undo(task, task->undo_ud);
  task->interrupted = true;
  rl_task_wake(task);
}

static void on_cleanup_over(rl_timer *timer) { rl_task_interrupt(RL_CONTAINER(timer, rl_cleanup, timer)->task); }

/* ---- the end --------------------------------------------------------------------------------------------------------------------- */

static int leave_k(lua_State *L, int status, lua_KContext keep) {
  (void)status;
  rl_task *task = rl_task_running(L);
  for (rl_list *node; (node = rl_list_shift(&task->unwaited));)
    rl_task_handle_log(RL_CONTAINER(node, rl_task_handle, unwaited));
  return lua_gettop(L) - (int)keep;
}

int rl_task_leave(lua_State *L, int keep) {
  rl_task *task = rl_task_running(L);
  task->ending = true;
  if (rl_list_empty(&task->children)) return leave_k(L, LUA_OK, keep);
  RL_LIST_EACH(&task->children, node)
    rl_task_cancel(RL_CONTAINER(node, rl_task, sibling), RL_ECANCELLED, "the task it belongs to has ended");
  if (rl_list_empty(&task->children)) return leave_k(L, LUA_OK, keep);
  return rl_task_wait(L, "its children to end", NULL, NULL, leave_k, keep);
}

static char *copy_text(const char *text) { return text ? rl_strndup(text, strlen(text)) : NULL; }

/* Stack top: the error. Whether anybody takes it is known later: at the end of the parent, or when the handle goes. */
static void keep_error(lua_State *L, rl_task *task, rl_task_handle *handle, int at) {
  int value = lua_gettop(L);
  const char *text, *trace;
  handle->results = -1;
  handle->cancelled = task->base.state != RL_SCOPE_QUIET;
  rl_task_describe_error(L, value, &text, &trace);
  if (task->group && !handle->cancelled) {
    lua_pushvalue(L, value);
    rl_scope_fire_with(L, task->group);
  } else if (rl_list_empty(&task->waiters) && !handle->cancelled) {
    handle->error = copy_text(text);
    handle->trace = copy_text(trace);
    if (task->parent) rl_list_push(&task->parent->unwaited, &handle->unwaited);
    else rl_task_handle_log(handle);
  }
  lua_setiuservalue(L, at, 2);
  lua_settop(L, value);
  lua_setiuservalue(L, at, 1);
}

/* Puts what stands above `from` into the handle: one value as it is, more as a table. */
static void keep_results(lua_State *L, rl_task *task, int from) {
  int count = lua_gettop(L) - from, at = from + 1;
  lua_rawgeti(L, LUA_REGISTRYINDEX, task->handle_ref);
  rl_task_handle *handle = lua_touserdata(L, -1);
  lua_insert(L, at);
  if (task->failed) {
    keep_error(L, task, handle, at);
    return;
  }
  handle->results = count;
  if (count > 1) {
    lua_createtable(L, count, 0);
    for (int i = 1; i <= count; i++) {
      lua_pushvalue(L, at + i);
      lua_rawseti(L, -2, i);
    }
  }
  if (count) lua_setiuservalue(L, at, 1);
}

static void log_failure(const char *message, const char *text, const char *trace) {
  rl_log_field fields[2] = {RL_LOG_TEXT_FIELD("error", rl_slice_str(text ? text : "out of memory")),
                            RL_LOG_TEXT_FIELD("traceback", rl_slice_str(trace))};
  rl_log(RL_LOG_ERROR, rl_slice_str(message), fields, trace ? 2 : 1);
}

static void log_own_failure(lua_State *L) {
  const char *text, *trace;
  rl_task_describe_error(L, lua_gettop(L), &text, &trace);
  log_failure("a task failed", text, trace);
}

static int base_k(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  rl_task *task = rl_task_running(L);
  task->failed = status != LUA_OK && status != LUA_YIELD;
  if (task->handle_ref != LUA_NOREF) keep_results(L, task, 1); /* above the message handler */
  else if (task->failed && !task->on_end) log_own_failure(L);
  if (!task->on_end) lua_settop(L, 0);
  return rl_task_leave(L, 0);
}

/* Stack: the function and its arguments. */
int rl_task_base(lua_State *L) {
  rl_task *task = rl_task_running(L);
  lua_pushcfunction(L, rl_error_handler);
  lua_insert(L, 1);
  if (rl_scope_due(task)) { /* cancelled before it started: it never runs */
    lua_settop(L, 1);
    rl_scope_push_error(L, &task->base);
    return base_k(L, LUA_ERRRUN, 0);
  }
  int nargs = lua_gettop(L) - 2;
  return base_k(L, lua_pcallk(L, nargs, LUA_MULTRET, 1, 0, base_k), 0);
}

/* ---- failures that nobody takes ---------------------------------------------------------------------------------------------- */

void rl_task_describe_error(lua_State *L, int value, const char **text, const char **trace) {
  *text = luaL_tolstring(L, value, NULL);
  if (!rl_error_is(L, value) || lua_getfield(L, value, "traceback") != LUA_TSTRING) {
    if (rl_error_is(L, value)) lua_pop(L, 1);
    rl_error_push_trace(L, value);
  }
  *trace = lua_tostring(L, -1);
}

void rl_task_handle_waited(rl_task_handle *handle) {
  rl_list_remove(&handle->unwaited);
  rl_free(handle->error);
  rl_free(handle->trace);
  handle->error = handle->trace = NULL;
}

void rl_task_handle_log(rl_task_handle *handle) {
  if (handle->error) log_failure("a task failed and nobody waited for it", handle->error, handle->trace);
  rl_task_handle_waited(handle);
}
