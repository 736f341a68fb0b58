/* Tasks: their life, their waits, and the one function that resumes. Cancellation is in scope.c. See task.h. */
#include "vm/task/task.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "vm/error.h"
#include "vm/frames.h"

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
  rl_task *task = rl_memory_allocate(&vm->memory, NULL, 0, sizeof *task);
  if (!task) return NULL;
  memset(task, 0, sizeof *task);
  lua_State *L = vm->L;
  lua_pushcfunction(L, make_thread);
  lua_pushlightuserdata(L, &task->strand.co);
  if (lua_pcall(L, 1, 1, 0) != LUA_OK) {
    lua_pop(L, 1);
    rl_memory_allocate(&vm->memory, task, sizeof *task, 0);
    return NULL;
  }
  task->thread_ref = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  task->vm = vm;
  set_strand(task->strand.co, &task->strand);
  rl_list_init(&task->sibling);
  return task;
}

static rl_task *take_task(rl_vm *vm) {
  rl_list *idle = rl_list_shift(&vm->idle);
  if (!idle) return make_task(vm);
  vm->idle_count--;
  return RL_CONTAINER(idle, rl_task, sibling);
}

/* Those that its unwinding did not reach: their memory is Lua's and goes with the thread. */
static void stop_timeouts(rl_task *task) {
  for (rl_scope *scope = task->scope; scope && scope != &task->base; scope = scope->outer)
    if (scope->kind == RL_SCOPE_TIMEOUT) rl_timer_stop(task->vm->loop, &((rl_timeout *)scope)->timer);
  task->scope = &task->base;
}

/* Whoever has kept the thread may ask about it for as long as it likes: it belongs to no task any more. */
static void drop_task(rl_task *task) {
  set_strand(task->strand.co, NULL);
  luaL_unref(task->vm->L, LUA_REGISTRYINDEX, task->thread_ref);
  rl_free(task->rare);
  rl_memory_allocate(&task->vm->memory, task, sizeof *task, 0);
}

/* Out of whatever the task is linked into: its memory in the union is free for another use. */
static void disarm(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  if (task->armed == RL_ARMED_POST) rl_loop_unpost(loop, &task->post);
  else if (task->armed == RL_ARMED_TIMER) rl_timer_stop(loop, &task->timer);
  else if (task->armed == RL_ARMED_WAITER) rl_list_remove(&task->waiter.node);
  task->armed = RL_ARMED_NOT;
}

static void free_texts(rl_task *task) {
  if (!task->rare) return;
  rl_free(task->rare->reason);
  rl_free(task->rare->until);
  task->rare->reason = task->rare->until = NULL;
}

static void forget(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  for (rl_list *node; (node = rl_list_shift(&task->children));) forget(RL_CONTAINER(node, rl_task, sibling));
  disarm(task);
  set_strand(task->strand.co, NULL);
  stop_timeouts(task);
  if (task->rare) {
    rl_timer_stop(loop, &task->rare->cleanup);
    while (rl_list_shift(&task->rare->belongings)) continue; /* their memory is Lua's, whose finalizers end them */
    free_texts(task);
    rl_free(task->rare);
  }
  rl_memory_allocate(&task->vm->memory, task, sizeof *task, 0);
}

static void undo_wait(void *ud, rl_task *task, unsigned depth) {
  (void)ud, (void)depth;
  if (task->status == RL_TASK_WAITING) task->undo(task, task->undo_ud);
}

void rl_task_undo_all(rl_vm *vm) { rl_task_each(vm, undo_wait, NULL); }

void rl_task_forget_all(rl_vm *vm) {
  for (rl_list *node; (node = rl_list_shift(&vm->roots));) forget(RL_CONTAINER(node, rl_task, sibling));
}

void rl_task_pool_free(rl_vm *vm) {
  for (rl_list *node; (node = rl_list_shift(&vm->idle));) drop_task(RL_CONTAINER(node, rl_task, sibling));
  vm->idle_count = 0;
}

/* A thread whose base returned can start another function. One that died by an error is given up, one that the program has
 * seen (what a library keeps under coroutine.running() must not appear in another request), and one on which it has left a
 * hook: debug.sethook means the thread that runs. */
static void recycle(rl_task *task, bool clean) {
  rl_vm *vm = task->vm;
  lua_settop(task->strand.co, 0);
  bool private = !task->strand.shown && !vm->threads_shown && !lua_gethook(task->strand.co);
  if (!clean || !private || vm->idle_count >= IDLE_KEPT) {
    drop_task(task);
    return;
  }
  rl_list_push(&vm->idle, &task->sibling);
  vm->idle_count++;
}

/* ---- where it was spawned -------------------------------------------------------------------------------------------------- */

/* Few files spawn tasks, so their names are looked for one by one. */
static const char *intern_site(rl_vm *vm, const char *name) {
  for (unsigned i = 0; i < vm->site_count; i++)
    if (strcmp(vm->sites[i], name) == 0) return vm->sites[i];
  char **sites = rl_realloc(vm->sites, (vm->site_count + 1) * sizeof *sites);
  if (!sites) return "?";
  vm->sites = sites;
  char *copy = rl_strndup(name, strlen(name));
  if (!copy) return "?";
  vm->sites[vm->site_count++] = copy;
  return copy;
}

void rl_task_free_sites(rl_vm *vm) {
  while (vm->site_count) rl_free(vm->sites[--vm->site_count]);
  rl_free(vm->sites);
}

static void note_site(rl_task *task, lua_State *from) {
  lua_Debug ar;
  task->line = 0;
  task->site = NULL;
  for (int level = 1; from && lua_getstack(from, level, &ar); level++) {
    lua_getinfo(from, "Sl", &ar);
    if (*ar.what == 'C' || strncmp(ar.source, "=rille/", 7) == 0) continue;
    task->site = intern_site(task->vm, ar.short_src);
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
  task->strand.scopes = 0;
  task->strand.blocked = false;
  rl_list_init(&task->children);
  rl_list_init(&task->waiters);
  task->scope = &task->base;
  task->group = NULL;
  task->base = (rl_scope){.task = task, .kind = RL_SCOPE_TASK, .value_ref = LUA_NOREF};
  task->status = RL_TASK_READY;
  task->failed = task->interrupted = task->cleaning = task->ending = task->quiet = false;
  task->armed = RL_ARMED_NOT;
  task->handle = NULL;
  task->trace_ref = LUA_NOREF;
  task->wait_name = "to start";
  task->wait_since = rl_loop_now(vm->loop);
  task->undo = rl_task_undo_nothing;
  task->on_end = NULL;
  task->owner = NULL;
  task->cpu_limit_ms = parent ? parent->cpu_limit_ms : vm->cpu_limit_ms;
  task->waits = 0;
  task->id = ++vm->next_task_id;
  note_site(task, from);
  task->parent = parent;
  rl_list_push(parent ? &parent->children : &vm->roots, &task->sibling);
  vm->task_count++;
  if (vm->on_thread) vm->on_thread(vm, task->strand.co);
  return task;
}

void rl_task_del(rl_task *task) {
  rl_list_remove(&task->sibling);
  task->vm->task_count--;
  if (task->handle) task->handle->task = NULL;
  recycle(task, true);
}

rl_task *rl_task_running(lua_State *L) {
  rl_strand *strand = rl_strand_of(L);
  return strand ? strand->task : NULL;
}

int rl_strand_resume(rl_strand *strand, lua_State *from, int nargs, int *nres) {
  lua_State *co = strand->co;
  rl_pulse *pulse = &rl_vm_of(co)->pulse;
  lua_State *before = atomic_load_explicit(&pulse->running, memory_order_relaxed);
  atomic_store_explicit(&pulse->running, co, memory_order_relaxed);
  int status = lua_resume(co, from, nargs, nres);
  atomic_store_explicit(&pulse->running, before, memory_order_relaxed);
  return status;
}

/* Tells the stall guard that a task begins or has ended: the beat is odd while one runs. */
static void beat(rl_vm *vm) {
  uint64_t last = atomic_load_explicit(&vm->pulse.beat, memory_order_relaxed);
  atomic_store_explicit(&vm->pulse.beat, last + 1, memory_order_relaxed);
}

/* Only where its base failed: they were to be awaited. */
static void give_children_away(rl_task *task) {
  RL_LIST_EACH(&task->children, node) RL_CONTAINER(node, rl_task, sibling)->parent = NULL;
  rl_list_append(&task->vm->roots, &task->children);
}

/* Ends the wait under way: whatever was armed for it has fired or was taken back. */
static void wake(rl_task *task) {
  if (task->status != RL_TASK_WAITING) return;
  task->status = RL_TASK_READY;
  rl_task_start(task);
}

/* Last first, as __close would have done. */
static void end_belongings(rl_task *task) {
  while (task->rare && !rl_list_empty(&task->rare->belongings)) {
    rl_belonging *belonging = RL_CONTAINER(task->rare->belongings.prev, rl_belonging, node);
    rl_list_remove(&belonging->node);
    belonging->on_task_end(belonging);
  }
}

static void on_task_end(rl_task *task) {
  rl_vm *vm = task->vm;
  task->status = RL_TASK_ENDED;
  end_belongings(task);
  rl_list_remove(&task->sibling);
  vm->task_count--;
  give_children_away(task);
  if (task->handle) task->handle->task = NULL;
  if (task->on_end) task->on_end(task);
  for (rl_list *node; (node = rl_list_shift(&task->waiters));) {
    rl_waiter *waiter = RL_CONTAINER(node, rl_waiter, node);
    waiter->on_end(waiter, task);
  }
  rl_task *parent = task->parent;
  if (parent && parent->ending && rl_list_empty(&parent->children)) wake(parent);
  luaL_unref(vm->L, LUA_REGISTRYINDEX, task->trace_ref); /* LUA_NOREF is none */
  luaL_unref(vm->L, LUA_REGISTRYINDEX, task->base.value_ref);
  free_texts(task);
}

/* The base itself failed (out of memory, an error while an error was handled): nothing of the program caught it. */
static void on_base_failed(rl_task *task) {
  lua_State *co = task->strand.co;
  const char *text = lua_type(co, -1) == LUA_TSTRING ? lua_tostring(co, -1) : "an error that is not a string";
  rl_logf(RL_LOG_ERROR, "task %llu ended abnormally: %s", (unsigned long long)task->id, text);
  task->failed = true;
  stop_timeouts(task);
  if (!task->handle) return;
  if (task->group) rl_scope_fire(task->group, RL_ENOMEM); /* unless it has heard of it */
  task->handle->results = -1;
}

static void run(rl_task *task) {
  rl_vm *vm = task->vm;
  rl_task *before = vm->running;
  int nargs = task->nargs, nres = 0;
  task->nargs = 0;
  task->status = RL_TASK_RUNNING;
  task->wait = ++vm->next_wait;
  task->wait_name = NULL;
  vm->running = task;
  beat(vm);
  atomic_store_explicit(&vm->pulse.cpu_limit_ms, task->cpu_limit_ms, memory_order_relaxed);
  int status = rl_strand_resume(&task->strand, vm->L, nargs, &nres);
  beat(vm);
  vm->running = before;
  if (status == LUA_YIELD) return;
  if (status != LUA_OK) on_base_failed(task);
  on_task_end(task);
  if (status != LUA_OK) lua_resetthread(task->strand.co);
  recycle(task, status == LUA_OK);
}

static void on_post(rl_post *post) {
  rl_task *task = RL_CONTAINER(post, rl_task, post);
  task->armed = RL_ARMED_NOT;
  run(task);
}

void rl_task_start(rl_task *task) {
  disarm(task);
  task->armed = RL_ARMED_POST;
  rl_post_init(&task->post);
  rl_loop_post(task->vm->loop, &task->post, on_post);
}

void rl_task_run(rl_task *task) {
  if (task->vm->running) rl_task_start(task);
  else run(task);
}

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

static void on_cleanup_over(rl_timer *timer) { rl_task_interrupt(RL_CONTAINER(timer, rl_task_rare, cleanup)->task); }

rl_task_rare *rl_task_rare_of(rl_task *task) {
  if (task->rare) return task->rare;
  task->rare = rl_calloc(1, sizeof *task->rare);
  if (!task->rare) return NULL;
  task->rare->task = task;
  rl_list_init(&task->rare->failures);
  rl_list_init(&task->rare->belongings);
  return task->rare;
}

bool rl_task_own(rl_task *task, rl_belonging *belonging) {
  rl_task_rare *rare = rl_task_rare_of(task);
  if (rare) rl_list_push(&rare->belongings, &belonging->node);
  return rare != NULL;
}

void rl_task_note_wait(rl_task *task, const char *until) {
  rl_task_rare *rare = until ? rl_task_rare_of(task) : task->rare;
  if (!rare) return;
  rl_free(rare->until);
  rare->until = until ? rl_strndup(until, strlen(until)) : NULL;
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
  if (task->rare) rl_timer_stop(task->vm->loop, &task->rare->cleanup);
  if (task->interrupted) return end_interrupted(L, task);
  return task->wait_k ? task->wait_k(L, LUA_YIELD, task->wait_ctx) : 0;
}

/* Inside __close of a cancelled scope: what is waited for has until cleanup_until. */
static void bound_cleanup(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  rl_task_rare *rare = rl_task_rare_of(task);
  if (!rare) return; /* unbounded rather than broken */
  uint64_t now = rl_loop_now(loop);
  rl_timer_start(loop, &rare->cleanup, rare->cleanup_until > now ? rare->cleanup_until - now : 0, on_cleanup_over);
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
  disarm(task);
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
  wake(task);
  return true;
}

/* The path of every cancellation. */
void rl_task_interrupt(rl_task *task) {
  if (task->status != RL_TASK_WAITING || task->ending) return;
  if (!task->undo(task, task->undo_ud)) return;
  task->interrupted = true;
  wake(task);
}

/* ---- what the task itself is linked into ------------------------------------------------------------------------------------------ */

int rl_task_yield(lua_State *L, const char *name) {
  rl_task_start(rl_task_may_wait(L, name));
  return rl_task_wait(L, name, rl_task_undo_armed, NULL, NULL, 0);
}

static void on_timer(rl_timer *timer) {
  rl_task *task = RL_CONTAINER(timer, rl_task, timer);
  task->armed = RL_ARMED_NOT;
  wake(task);
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
  wake(task);
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
  disarm(task);
  wake(task);
}

/* ---- the end --------------------------------------------------------------------------------------------------------------------- */

static int leave_k(lua_State *L, int status, lua_KContext keep) {
  (void)status;
  rl_task *task = rl_task_running(L);
  for (rl_list *node; task->rare && (node = rl_list_shift(&task->rare->failures));)
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
  rl_task_rare *rare = task->parent ? rl_task_rare_of(task->parent) : NULL;
  if (rare) rl_list_push(&rare->failures, &failure->node);
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

/* ---- inspection ------------------------------------------------------------------------------------------------------------- */

static rl_list *siblings_of(rl_vm *vm, const rl_task *task) {
  return task->parent ? &task->parent->children : &vm->roots;
}

/* The next one in the order of the tree: first child, next sibling, next sibling of an ancestor. */
static rl_task *next_of(rl_vm *vm, rl_task *task, unsigned *depth) {
  if (!rl_list_empty(&task->children)) {
    ++*depth;
    return RL_CONTAINER(task->children.next, rl_task, sibling);
  }
  for (; task; task = task->parent, --*depth)
    if (task->sibling.next != siblings_of(vm, task)) return RL_CONTAINER(task->sibling.next, rl_task, sibling);
  return NULL;
}

void rl_task_each(rl_vm *vm, void (*visit)(void *ud, rl_task *task, unsigned depth), void *ud) {
  unsigned depth = 0;
  rl_task *task = rl_list_empty(&vm->roots) ? NULL : RL_CONTAINER(vm->roots.next, rl_task, sibling);
  for (; task; task = next_of(vm, task, &depth)) visit(ud, task, depth);
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
