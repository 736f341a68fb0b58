/* Waiting and waking: the numbers of waits, what a task can be linked into, and what a wait that is impossible says. See task.h. */
#include "vm/task/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "vm/error.h"
#include "vm/frames.h"

/* ---- waiting ----------------------------------------------------------------------------------------------------------------- */

/* What stands between the wait and its thread's base: described by the table of
 * vm/task/coroutine.c, keyed by C function. */
static const char *describe_barrier(lua_State *L, lua_State *co, int level, lua_Debug *ar) {
  int depth = rl_frames_depth(co);
  for (; level < depth && lua_getstack(co, level, ar); level = rl_frames_next(level, depth)) {
    lua_getinfo(co, "nS", ar);
    if (strcmp(ar->namewhat, "metamethod") == 0 && ar->name && strcmp(ar->name, "__gc") == 0)
      return "a finalizer (__gc)";
    if (*ar->what != 'C') continue;
    lua_getinfo(co, "f", ar);
    lua_CFunction function = lua_tocfunction(co, -1);
    lua_pop(co, 1);
    lua_getfield(L, LUA_REGISTRYINDEX, "rille.barriers");
    lua_rawgetp(L, -1, (const void *)(uintptr_t)function);
    if (lua_isboolean(L, -1)) { /* one that lets waits through */
      lua_pop(L, 2);
      continue;
    }
    if (lua_isstring(L, -1)) return lua_tostring(L, -1);
    return lua_pushfstring(L, "the C function '%s'", ar->name ? ar->name : "?");
  }
  return NULL;
}

static RL_RAISES int raise_impossible(lua_State *L, const char *name, rl_strand *strand) {
  lua_Debug ar, where;
  const char *inside = NULL;
  for (; strand && !inside; strand = strand->resumer)
    inside = describe_barrier(L, strand->co, strand->co == L ? 1 : 0, &ar);
  for (int level = 1; lua_getstack(L, level, &where); level++) {
    lua_getinfo(L, "Sl", &where);
    if (*where.what == 'C' || strncmp(where.source, "=rille/", 7) == 0) continue;
    lua_pushfstring(L, "cannot wait for %s inside %s, %s:%d", name, inside ? inside : "a C function", where.short_src,
                    where.currentline);
    lua_error(L);
  }
  luaL_error(L, "cannot wait for %s inside %s", name, inside ? inside : "a C function");
}

rl_task *rl_task_may_wait(lua_State *L, const char *name) {
  rl_strand *strand = rl_strand_of(L);
  rl_task *task = strand ? strand->task : NULL;
  if (!task) rl_error_mistake(L, "cannot wait for %s outside a task", name);
  if (!lua_isyieldable(L) || strand->blocked) raise_impossible(L, name, strand);
  if (rl_scope_due(task)) rl_scope_raise_due(L, task);
  task->wait = ++task->vm->next_wait; /* whatever was armed before and never waited for is spent */
  return task;
}

static void on_cleanup_over(rl_timer *timer) { rl_task_interrupt(RL_CONTAINER(timer, rl_task_extra, cleanup)->task); }

rl_task_extra *rl_task_extra_of(rl_task *task) {
  if (task->extra) return task->extra;
  task->extra = rl_calloc(1, sizeof *task->extra);
  if (!task->extra) return NULL;
  task->extra->task = task;
  rl_list_init(&task->extra->failures);
  rl_list_init(&task->extra->belongings);
  return task->extra;
}

bool rl_task_own(rl_task *task, rl_belonging *belonging) {
  rl_task_extra *extra = rl_task_extra_of(task);
  if (extra) rl_list_push(&extra->belongings, &belonging->node);
  return extra != NULL;
}

void rl_task_note_wait(rl_task *task, const char *until) {
  rl_task_extra *extra = until ? rl_task_extra_of(task) : task->extra;
  if (!extra) return;
  rl_free(extra->until);
  extra->until = until ? rl_strndup(until, strlen(until)) : NULL;
}

static int end_interrupted(lua_State *L, rl_task *task) {
  task->interrupted = false;
  if (task->quiet) return task->wait_k(L, LUA_ERRRUN, task->wait_ctx);
  if (rl_scope_due(task)) return rl_scope_raise_due(L, task);
  return rl_error_raise(L, RL_ETIMEOUT, "cleanup took longer than %u s", RL_LIMIT_CLEANUP_MS / 1000);
}

static int wait_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_task *task = rl_task_running(L);
  if (task->vm->on_wait) task->vm->on_wait(task, false);
  if (task->extra) rl_timer_stop(task->vm->loop, &task->extra->cleanup);
  if (task->interrupted) return end_interrupted(L, task);
  return task->wait_k ? task->wait_k(L, LUA_YIELD, task->wait_ctx) : 0;
}

/* Inside __close of a cancelled scope: what is waited for has until cleanup_until. */
static void bound_cleanup(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  rl_task_extra *extra = rl_task_extra_of(task);
  if (!extra) return; /* unbounded rather than broken */
  uint64_t now = rl_loop_now(loop);
  rl_timer_start(loop, &extra->cleanup, extra->cleanup_until > now ? extra->cleanup_until - now : 0, on_cleanup_over);
}

static int begin_wait(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx) {
  rl_task *task = rl_task_running(L);
  task->status = RL_TASK_WAITING;
  task->wait_name = name;
  task->wait_since = rl_loop_now(task->vm->loop);
  task->waits++;
  task->undo = undo;
  task->undo_ud = ud;
  task->wait_k = k;
  task->wait_ctx = ctx;
  if (task->vm->on_wait) task->vm->on_wait(task, true);
  if (task->cleaning && !task->ending) bound_cleanup(task);
  return lua_yieldk(L, 0, 0, wait_k);
}

int rl_task_wait(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx) {
  rl_task_running(L)->quiet = false;
  return begin_wait(L, name, undo, ud, k, ctx);
}

int rl_task_wait_quietly(lua_State *L, const char *name, rl_undo undo, void *ud, lua_KFunction k, lua_KContext ctx) {
  rl_task_running(L)->quiet = true;
  return begin_wait(L, name, undo, ud, k, ctx);
}

/* ---- waking -------------------------------------------------------------------------------------------------------------------- */

bool rl_task_undo_nothing(rl_task *task, void *ud) {
  (void)task, (void)ud;
  return true;
}

bool rl_task_undo_armed(rl_task *task, void *ud) {
  (void)ud;
  rl__task_disarm(task);
  return true;
}

#if defined(__SANITIZE_ADDRESS__)
enum { STALE_WAKE_IS_FATAL = 1 };
#elif defined(__has_feature)
enum { STALE_WAKE_IS_FATAL = __has_feature(address_sanitizer) };
#else
enum { STALE_WAKE_IS_FATAL = 0 };
#endif

static bool refuse_stale_wake(rl_task *task) {
  task->vm->stale_wakes++;
  rl_logf(RL_LOG_ERROR, "a wait of task %llu was ended twice, this is a bug in rille", (unsigned long long)task->id);
  if (STALE_WAKE_IS_FATAL) abort();
  return false;
}

bool rl_task_wake(rl_waker *waker) {
  rl_task *task = waker->task;
  if (!task) return false;
  waker->task = NULL;
  if (task->status != RL_TASK_WAITING || task->wait != waker->wait) return refuse_stale_wake(task);
  rl__task_wake(task);
  return true;
}

/* The path of every cancellation. */
void rl_task_interrupt(rl_task *task) {
  if (task->status != RL_TASK_WAITING || task->ending) return;
  if (!task->undo(task, task->undo_ud)) return;
  task->interrupted = true;
  rl__task_wake(task);
}

/* ---- what the task itself is linked into ------------------------------------------------------------------------------------------ */

int rl_task_yield(lua_State *L, const char *name) {
  rl_task_start(rl_task_may_wait(L, name));
  return rl_task_wait(L, name, rl_task_undo_armed, NULL, NULL, 0);
}

static void on_timer(rl_timer *timer) {
  rl_task *task = RL_CONTAINER(timer, rl_task, timer);
  task->armed = RL_ARMED_NOT;
  rl__task_wake(task);
}

void rl_task_arm_timer(rl_task *task, double ms) {
  task->armed = RL_ARMED_TIMER;
  memset(&task->timer, 0, sizeof task->timer);
  rl_timer_start_now(task->vm->loop, &task->timer, ms < 1e15 ? (uint64_t)ms : (uint64_t)1e15, on_timer);
}

static void on_waited_end(rl_waiter *waiter, rl_task *ended) {
  (void)ended;
  rl_task *task = RL_CONTAINER(waiter, rl_task, waiter);
  task->armed = RL_ARMED_NOT; /* the one that ended has taken it off its list */
  rl__task_wake(task);
}

void rl_task_arm_end(rl_task *task, rl_task *of) {
  task->armed = RL_ARMED_WAITER;
  task->waiter.on_end = on_waited_end;
  rl_list_push(&of->waiters, &task->waiter.node);
}

void rl_task_arm_queue(rl_task *task, rl_list *queue) {
  task->armed = RL_ARMED_WAITER;
  task->waiter.on_end = NULL;
  rl_list_push(queue, &task->waiter.node);
}

rl_task *rl_task_first_of(rl_list *queue) { return RL_CONTAINER(queue->next, rl_task, waiter.node); }

void rl_task_wake_first(rl_list *queue) {
  rl_task *task = rl_task_first_of(queue);
  rl__task_disarm(task);
  rl__task_wake(task);
}
