/* Tasks: their threads, their life, and the one function that resumes. See task.h. */
#include "vm/task/task.h"

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
  rl_free(task->extra);
  rl_memory_allocate(&task->vm->memory, task, sizeof *task, 0);
}

/* Out of whatever the task is linked into: its memory in the union is free for another use. */
void rl__task_disarm(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  if (task->armed == RL_ARMED_POST) rl_loop_unpost(loop, &task->post);
  else if (task->armed == RL_ARMED_TIMER) rl_timer_stop(loop, &task->timer);
  else if (task->armed == RL_ARMED_WAITER) rl_list_remove(&task->waiter.node);
  task->armed = RL_ARMED_NOT;
}

static void free_texts(rl_task *task) {
  if (!task->extra) return;
  rl_free(task->extra->reason);
  rl_free(task->extra->until);
  task->extra->reason = task->extra->until = NULL;
}

static void forget(rl_task *task) {
  rl_loop *loop = task->vm->loop;
  for (rl_list *node; (node = rl_list_shift(&task->children));) forget(RL_CONTAINER(node, rl_task, sibling));
  rl__task_disarm(task);
  set_strand(task->strand.co, NULL);
  stop_timeouts(task);
  if (task->extra) {
    rl_timer_stop(loop, &task->extra->cleanup);
    while (rl_list_shift(&task->extra->belongings)) continue; /* their memory is Lua's, whose finalizers end them */
    free_texts(task);
    rl_free(task->extra);
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
  rl__task_note_site(task, from);
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
void rl__task_wake(rl_task *task) {
  if (task->status != RL_TASK_WAITING) return;
  task->status = RL_TASK_READY;
  rl_task_start(task);
}

/* Last first, as __close would have done. */
static void end_belongings(rl_task *task) {
  while (task->extra && !rl_list_empty(&task->extra->belongings)) {
    rl_belonging *belonging = RL_CONTAINER(task->extra->belongings.prev, rl_belonging, node);
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
  if (parent && parent->ending && rl_list_empty(&parent->children)) rl__task_wake(parent);
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
  rl__task_disarm(task);
  task->armed = RL_ARMED_POST;
  rl_post_init(&task->post);
  rl_loop_post(task->vm->loop, &task->post, on_post);
}

void rl_task_run(rl_task *task) {
  if (task->vm->running) rl_task_start(task);
  else run(task);
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
