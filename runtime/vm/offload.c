/* Lua states on threads; see offload.h. */
#include "vm/offload.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "vm/copy.h"
#include "vm/error.h"
#include "vm/task.h"

typedef struct state {
  struct state *next;
  rl_loop loop;
  rl_vm *vm;
} state;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static state *idle;

static state *make_state(const rl_vm_options *options) {
  state *s = rl_calloc(1, sizeof *s);
  if (!s) return NULL;
  if (rl_loop_init(&s->loop) == 0 && (s->vm = rl_vm_new(&s->loop, options))) return s;
  rl_free(s);
  return NULL;
}

static void close_state(state *s) {
  rl_vm_del(s->vm);
  rl_loop_settle(&s->loop);
  rl_loop_free(&s->loop);
  rl_free(s);
}

static state *take_state(const rl_vm_options *options) {
  for (;;) {
    pthread_mutex_lock(&lock);
    state *s = idle;
    if (s) idle = s->next;
    pthread_mutex_unlock(&lock);
    if (!s) return make_state(options);
    if (s->vm->edition == options->edition) return s;
    close_state(s); /* it has loaded modules from before a reload */
  }
}

static void give_state(state *s) {
  pthread_mutex_lock(&lock);
  s->next = idle;
  idle = s;
  pthread_mutex_unlock(&lock);
}

void rl_offload_close_all(void) {
  for (state *s; (s = idle);) {
    idle = s->next;
    close_state(s);
  }
}

/* ---- on the thread ----------------------------------------------------------------------------------------------------------- */

/* Stack: the offload (light userdata). Calls the function; returns its results. */
static int call_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  rl_offload *o = lua_touserdata(L, 1);
  int count = lua_gettop(L) - 1;
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

static void keep_error(lua_State *L, rl_offload *o, int error) {
  rl_buf_clear(&o->out);
  lua_pushboolean(L, 0);
  rl_copy_out(L, -1, &o->out);
  rl_error_wrap(L, error);
  lua_pushnil(L); /* what it wraps may be anything */
  lua_setfield(L, -2, "cause");
  rl_copy_out(L, -1, &o->out);
}

static int base_k(lua_State *L, int status, lua_KContext ctx) {
  (void)ctx;
  rl_offload *o = lua_touserdata(L, 1);
  if (status != LUA_OK && status != LUA_YIELD) keep_error(L, o, lua_gettop(L));
  lua_settop(L, 1);
  return rl_task_leave(L, 1);
}

static int base(lua_State *L) {
  lua_pushcfunction(L, rl_error_handler);
  lua_pushcfunction(L, run_function);
  lua_pushvalue(L, 1);
  return base_k(L, lua_pcallk(L, 1, 0, 2, 0, base_k), 0);
}

static void on_task_end(rl_task *task) { rl_loop_stop(task->vm->loop); }

static void run(rl_job *job) {
  rl_offload *o = RL_CONTAINER(job, rl_offload, job);
  state *s = take_state(&o->vm);
  rl_task *task = s ? rl_task_new(s->vm, NULL, NULL) : NULL;
  if (!task) return; /* `out` stays empty: out of memory */
  task->on_end = on_task_end;
  lua_pushcfunction(task->strand.co, base);
  lua_pushlightuserdata(task->strand.co, o);
  task->nargs = 1;
  rl_task_start(task);
  rl_loop_run(&s->loop);
  give_state(s);
}

static void done(rl_job *job, bool ran) {
  (void)ran;
  rl_offload *o = RL_CONTAINER(job, rl_offload, job);
  o->done(o);
}

void rl_offload_start(const rl_vm *from, rl_offload *o) {
  o->root = rl_must_strdup(from->root);
  o->vm = (rl_vm_options){.mode = from->mode == RL_MODE_TEST ? RL_MODE_RUN : from->mode,
                          .root = o->root,
                          .memory_limit = from->memory.limit,
                          .worker = from->worker,
                          .workers = from->workers,
                          .edition = from->edition};
  o->job.run = run;
  o->job.done = done;
  rl_buf_init(&o->out, RL_BUF_NO_LIMIT);
  rl_job_start(from->loop, &o->job);
}
