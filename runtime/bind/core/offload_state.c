/* Lua states on threads; see offload.h. */
#include "bind/core/offload_state.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "bind/open.h"
#include "vm/copy.h"
#include "vm/error.h"
#include "vm/task/heartbeat.h"
#include "vm/task/task.h"

#define FOREVER (UINT64_MAX / 2)

typedef struct rl_offload_state state;

struct rl_offload_state {
  state *next;
  rl_loop loop;
  rl_vm *vm;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static state *idle;
static rl_crew crew;

/* ---- states --------------------------------------------------------------------------------------------------------------- */

static state *make_state(const rl_vm_options *options) {
  state *s = rl_calloc(1, sizeof *s);
  if (!s) return NULL;
  if (rl_loop_init(&s->loop)) return rl_free(s), NULL;
  s->vm = rl_vm_open(&s->loop, options);
  if (s->vm) {
    s->vm->offloaded = true;
    return s;
  }
  rl_loop_free(&s->loop);
  rl_free(s);
  return NULL;
}

/* False where a job of it went on for too long: then nothing was freed that it may touch. */
static bool close_state(state *s, uint64_t patience_ms) {
  rl_vm_close(s->vm);
  if (!rl_loop_settle_within(&s->loop, patience_ms)) return false;
  rl_loop_free(&s->loop);
  rl_free(s);
  return true;
}

static state *take_idle(void) {
  pthread_mutex_lock(&lock);
  state *s = idle;
  if (s) idle = s->next;
  pthread_mutex_unlock(&lock);
  return s;
}

static state *take_state(const rl_vm_options *options) {
  for (;;) {
    state *s = take_idle();
    if (!s) return make_state(options);
    if (s->vm->generation == options->generation) return s;
    close_state(s, FOREVER); /* it has loaded modules from before a reload */
  }
}

static void give_state(state *s) {
  pthread_mutex_lock(&lock);
  s->next = idle;
  idle = s;
  pthread_mutex_unlock(&lock);
}

bool rl_offload_close_all(void) {
  bool all = true;
  for (state *s; (s = take_idle());) all = close_state(s, RL_LIMIT_EXIT_JOBS_MS) && all;
  return all;
}

/* ---- on the thread ----------------------------------------------------------------------------------------------------------- */

/* Stack: the offload (light userdata), the function's results. */
static int call_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_offload *o = lua_touserdata(L, 1);
  int count = lua_gettop(L) - 1;
  luaL_checkstack(L, 2, "offload");
  lua_pushboolean(L, 1);
  rl_copy_out(L, -1, &o->out);
  lua_pushinteger(L, count);
  rl_copy_out(L, -1, &o->out);
  for (int i = 0; i < count; i++) rl_copy_out(L, 2 + i, &o->out);
  return 0;
}

static int required_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_offload *o = lua_touserdata(L, 1);
  rl_slice in = rl_buf_slice(&o->in);
  rl_copy_in(L, &in); /* the module's name again */
  const char *module = lua_tostring(L, -1);
  rl_copy_in(L, &in);
  const char *name = lua_tostring(L, -1);
  if (!lua_istable(L, 2))
    return luaL_error(L, "offload: module '%s' is a %s, not a table of functions", module, luaL_typename(L, 2));
  if (lua_getfield(L, 2, name) != LUA_TFUNCTION)
    return luaL_error(L, "offload: module '%s' has no function '%s'", module, name);
  rl_copy_in(L, &in);
  int count = (int)lua_tointeger(L, -1);
  lua_pop(L, 1);
  lua_replace(L, 2);
  lua_settop(L, 2);
  luaL_checkstack(L, count, "offload");
  for (int i = 0; i < count; i++) rl_copy_in(L, &in);
  lua_callk(L, count, LUA_MULTRET, 0, call_k);
  return call_k(L, LUA_OK, 0);
}

static int run_function(lua_State *L) {
  rl_offload *o = lua_touserdata(L, 1);
  rl_slice in = rl_buf_slice(&o->in);
  lua_getglobal(L, "require");
  rl_copy_in(L, &in);
  lua_callk(L, 1, 1, 0, required_k);
  return required_k(L, LUA_OK, 0);
}

/* ---- what it raised -------------------------------------------------------------------------------------------------------------- */

/* Adds the fields of the table at `from` to the error value on top of the stack; a message only where it is text. */
static void add_fields(lua_State *L, int from) {
  for (lua_pushnil(L); lua_next(L, from);) {
    bool is_name = lua_type(L, -2) == LUA_TSTRING;
    bool is_message = is_name && strcmp(lua_tostring(L, -2), "message") == 0;
    lua_pushvalue(L, -2);
    lua_insert(L, -2);
    if (is_name && (!is_message || lua_type(L, -1) == LUA_TSTRING)) lua_rawset(L, -4);
    else lua_pop(L, 2);
  }
}

/* Pushes an error value for whatever was raised: itself; or its text, where it was raised, and the fields of a table. */
static void push_error(lua_State *L, int error) {
  rl_raised_wrap(L, error);
  if (rl_error_is(L, error)) return;
  lua_pushnil(L);
  lua_setfield(L, -2, "cause"); /* the value itself, which is said already or cannot leave */
  luaL_checkstack(L, 4, "offload");
  if (lua_istable(L, error)) add_fields(L, error);
}

/* Runs protected. Stack: the offload, the error. What cannot be copied is left out. */
static int keep_error(lua_State *L) {
  rl_offload *o = lua_touserdata(L, 1);
  rl_buf_clear(&o->out);
  lua_pushboolean(L, 0);
  rl_copy_out(L, -1, &o->out);
  push_error(L, 2);
  rl_copy_out_what_can(L, -1, &o->out);
  return 0;
}

/* Stack top: the error, which stays there. Where it cannot even be described, why that is so is kept in its place; an empty
 * `out` means that memory is short. */
static void keep(lua_State *L, rl_offload *o) {
  for (int tries = 2; tries > 0; tries--) {
    lua_pushcfunction(L, keep_error);
    lua_pushlightuserdata(L, o);
    lua_pushvalue(L, -3);
    if (lua_pcall(L, 2, 0, 0) == LUA_OK) return;
    rl_buf_clear(&o->out);
  }
}

static int base_k(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  rl_offload *o = lua_touserdata(L, 1);
  if (status != LUA_OK && status != LUA_YIELD) {
    rl_pulse_pass(&rl_vm_of(L)->pulse); /* here it ends, whatever the error was */
    keep(L, o);
  }
  lua_settop(L, 1);
  return rl_task_leave(L, 1);
}

static int base(lua_State *L) {
  lua_pushcfunction(L, rl_raised_handler);
  lua_pushcfunction(L, run_function);
  lua_pushvalue(L, 1);
  return base_k(L, lua_pcallk(L, 1, 0, 2, 0, base_k), 0);
}

/* ---- its life on the thread ---------------------------------------------------------------------------------------------------------- */

static void on_task_end(rl_task *task) {
  ((rl_offload *)task->owner)->task = NULL;
  rl_loop_stop(task->vm->loop);
}

/* On the state's loop: what waits ends here. */
static void on_cancel(rl_mail *mail) {
  rl_offload *o = RL_CONTAINER(mail, rl_offload, cancel);
  o->heard = true;
  if (o->task) rl_task_cancel(o->task, RL_ECANCELLED, "nobody waits for it any more");
}

/* False where it was given up before it began. */
static bool attach(rl_offload *o, state *s) {
  pthread_mutex_lock(&lock);
  bool wanted = !o->cancelled;
  if (wanted) o->state = s;
  pthread_mutex_unlock(&lock);
  return wanted;
}

/* Returns whether it was cancelled meanwhile. The mail about that is embedded, so it has to have come. */
static bool detach(rl_offload *o, state *s) {
  pthread_mutex_lock(&lock);
  o->state = NULL;
  bool cancelled = o->cancelled;
  pthread_mutex_unlock(&lock);
  while (cancelled && !o->heard) uv_run(&s->loop.uv, UV_RUN_ONCE);
  return cancelled;
}

static bool start_task(rl_offload *o, state *s) {
  rl_task *task = rl_task_new(s->vm, NULL, NULL);
  if (!task) return false; /* `out` stays empty */
  o->task = task;
  task->owner = o;
  task->on_end = on_task_end;
  lua_pushcfunction(task->strand.co, base);
  lua_pushlightuserdata(task->strand.co, o);
  task->nargs = 1;
  rl_task_start(task);
  return true;
}

static void run(rl_errand *errand) {
  rl_offload *o = RL_CONTAINER(errand, rl_offload, errand);
  state *s = take_state(&o->vm);
  if (!s) return;
  if (!attach(o, s)) {
    give_state(s);
    return;
  }
  rl_heartbeat_watch_quietly(s->vm);
  if (start_task(o, s)) rl_loop_run(&s->loop);
  bool cancelled = detach(o, s);
  rl_heartbeat_forget(s->vm);
  if (cancelled) close_state(s, FOREVER);
  else give_state(s);
}

/* ---- for who asks ------------------------------------------------------------------------------------------------------------------- */

rl_offload *rl_offload_new(void) {
  rl_offload *o = rl_calloc(1, sizeof *o);
  if (!o) return NULL;
  rl_buf_init(&o->in, RL_BUF_NO_LIMIT);
  rl_buf_init(&o->out, RL_BUF_NO_LIMIT);
  return o;
}

void rl_offload_del(rl_offload *o) {
  rl_buf_free(&o->in);
  rl_buf_free(&o->out);
  rl_free(o->root);
  rl_free(o);
}

static void on_done(rl_errand *errand) {
  rl_offload *o = RL_CONTAINER(errand, rl_offload, errand);
  o->done(o);
}

static void on_drop(rl_errand *errand) { rl_offload_del(RL_CONTAINER(errand, rl_offload, errand)); }

static void open_crew(void) { rl_crew_init(&crew, "rille-offload", RL_LIMIT_OFFLOADS, RL_LIMIT_OFFLOAD_QUEUE); }

int rl_offload_start(const rl_vm *from, rl_offload *o) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, open_crew);
  o->root = rl_strndup(from->root, strlen(from->root));
  if (!o->root) return RL_ENOMEM;
  o->vm = (rl_vm_options){.mode = from->mode == RL_MODE_TEST ? RL_MODE_RUN : from->mode,
                          .root = o->root,
                          .memory_limit = from->memory.limit,
                          .worker = from->worker,
                          .workers = from->workers,
                          .generation = from->generation};
  o->cancel.deliver = on_cancel;
  o->errand.run = run;
  o->errand.done = on_done;
  o->errand.drop = on_drop;
  return rl_crew_send(&crew, from->loop, &o->errand, !from->offloaded);
}

void rl_offload_abandon(rl_offload *o) {
  pthread_mutex_lock(&lock);
  o->cancelled = true;
  if (o->state) {
    rl_heartbeat_cancel(o->state->vm);
    rl_inbox_send(&o->state->loop.inbox, &o->cancel);
  }
  pthread_mutex_unlock(&lock);
  rl_errand_abandon(&o->errand);
}
