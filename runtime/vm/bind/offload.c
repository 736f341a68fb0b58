/* rille.offload(module, function_name, ...) */
#include <string.h>

#include "base/alloc.h"
#include "base/descriptors.h"
#include "base/error.h"
#include "vm/bind/bind.h"
#include "vm/copy.h"
#include "vm/offload.h"

/* What a waiting task holds; the stack anchors it. */
typedef struct pending {
  rl_offload *offload;
  rl_waker waker;
  bool finished;
} pending;

static void free_offload(rl_offload *o) {
  rl_buf_free(&o->in);
  rl_buf_free(&o->out);
  rl_free(o->root);
  rl_free(o);
}

static void on_done(rl_offload *o) {
  pending *p = o->owner;
  if (!p) {
    free_offload(o); /* abandoned */
    return;
  }
  p->finished = true;
  rl_task_wake(&p->waker);
}

static int pending_gc(lua_State *L) {
  pending *p = lua_touserdata(L, 1);
  if (!p->offload) return 0;
  if (p->finished) free_offload(p->offload);
  else p->offload->owner = NULL;
  p->offload = NULL;
  return 0;
}

static bool undo(rl_task *task, void *ud) {
  (void)task;
  pending *p = ud;
  p->offload->owner = NULL;
  p->offload = NULL;
  return true;
}

/* Stack top: the pending. */
static int offload_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status, (void)ctx;
  pending *p = lua_touserdata(L, -1);
  rl_slice out = rl_buf_slice(&p->offload->out);
  if (!out.len) { /* there is no state for it */
    int code = rl_descriptors_check();
    return rl_error_raise(L, code ? code : RL_ENOMEM, NULL);
  }
  rl_copy_in(L, &out);
  if (!lua_toboolean(L, -1)) {
    rl_copy_in(L, &out);
    return lua_error(L);
  }
  rl_copy_in(L, &out);
  int count = (int)lua_tointeger(L, -1);
  luaL_checkstack(L, count, "offload");
  for (int i = 0; i < count; i++) rl_copy_in(L, &out);
  return count;
}

/* offload(module, function_name, ...) -> results */
static int l_offload(lua_State *L) {
  int count = lua_gettop(L) - 2;
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  rl_task *task = rl_task_may_wait(L, "offload");
  pending *p = lua_newuserdatauv(L, sizeof *p, 0);
  *p = (pending){.waker = rl_task_waker(task), .finished = true};
  if (luaL_newmetatable(L, "rille.offload")) {
    lua_pushcfunction(L, pending_gc);
    lua_setfield(L, -2, "__gc");
  }
  lua_setmetatable(L, -2);
  p->offload = rl_calloc(1, sizeof *p->offload);
  if (!p->offload) return rl_error_raise(L, RL_ENOMEM, NULL);
  rl_offload *o = p->offload;
  rl_buf_init(&o->in, RL_BUF_NO_LIMIT);
  rl_buf_init(&o->out, RL_BUF_NO_LIMIT);
  rl_copy_out(L, 1, &o->in);
  rl_copy_out(L, 2, &o->in);
  lua_pushinteger(L, count);
  rl_copy_out(L, -1, &o->in);
  lua_pop(L, 1);
  for (int i = 0; i < count; i++) rl_copy_out(L, 3 + i, &o->in);
  o->owner = p;
  o->done = on_done;
  p->finished = false;
  rl_offload_start(rl_vm_of(L), o);
  return rl_task_wait(L, "offload", undo, p, offload_k, 0);
}

static const luaL_Reg functions[] = {{"offload", l_offload}, {NULL, NULL}};

void rl_bind_offload(lua_State *L) { luaL_setfuncs(L, functions, 0); }
