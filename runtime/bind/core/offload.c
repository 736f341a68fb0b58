/* rille.offload(module, function_name, ...) */
#include "bind/core/offload_state.h"

#include "base/descriptors.h"
#include "base/error.h"
#include "bind/bind.h"
#include "bind/core/core.h"
#include "vm/copy.h"
#include "vm/owner.h"

/* What a waiting task holds; the stack anchors it. */
typedef struct pending {
  rl_owner owner; /* first: of the offload */
  rl_waker waker;
  bool under_way;
} pending;

static void on_done(rl_offload *o) {
  pending *p = o->owner;
  p->under_way = false;
  rl_task_wake(&p->waker);
}

static void let_go(void *object) {
  rl_offload *o = object;
  pending *p = o->owner;
  p->waker.task = NULL;
  if (p->under_way) rl_offload_abandon(o);
  else rl_offload_del(o);
}

static bool undo(rl_task *task, void *ud) {
  (void)task;
  rl_owner_release(ud);
  return true;
}

static int offload_k(lua_State *L, int status, lua_KContext ctx) {
  (void)status;
  pending *p = (pending *)ctx;
  rl_offload *o = p->owner.object;
  rl_slice out = rl_buf_slice(&o->out);
  if (!out.len) { /* there is no state for it */
    rl_owner_release(&p->owner);
    int code = rl_descriptors_check();
    rl_error_raise(L, code ? code : RL_ENOMEM, NULL);
  }
  rl_copy_in(L, &out);
  bool done = lua_toboolean(L, -1);
  rl_copy_in(L, &out);
  if (!done) return rl_owner_release(&p->owner), lua_error(L);
  int count = (int)lua_tointeger(L, -1);
  luaL_checkstack(L, count, "offload");
  for (int i = 0; i < count; i++) rl_copy_in(L, &out);
  rl_owner_release(&p->owner);
  return count;
}

static pending *push_pending(lua_State *L, rl_task *task) {
  pending *p = (pending *)rl_owner_push_sized(L, sizeof *p, let_go);
  p->waker = rl_task_waker(task);
  p->under_way = false;
  rl_offload *o = rl_offload_new();
  if (!o) rl_error_raise(L, RL_ENOMEM, NULL);
  o->owner = p;
  o->done = on_done;
  p->owner.object = o;
  return p;
}

/* Module, function, how many arguments, and these: the stack up to `last`. */
static void write_call(lua_State *L, int last, rl_buf *in) {
  rl_copy_out(L, 1, in);
  rl_copy_out(L, 2, in);
  lua_pushinteger(L, last - 2);
  rl_copy_out(L, -1, in);
  for (int i = 3; i <= last; i++) rl_copy_out(L, i, in);
}

/* offload(module, function_name, ...) -> results; raises code "busy" where too many wait already */
static int l_offload(lua_State *L) {
  int last = lua_gettop(L);
  luaL_checkstring(L, 1);
  luaL_checkstring(L, 2);
  rl_task *task = rl_task_may_wait(L, "offload");
  pending *p = push_pending(L, task);
  rl_offload *o = p->owner.object;
  write_call(L, last, &o->in);
  int code = rl_offload_start(rl_vm_of(L), o);
  if (code == RL_EBUSY)
    return rl_error_raise(L, code,
                          rl_vm_of(L)->offloaded
                              ? "offload: no thread is free, and one offload does not wait for another"
                              : "offload: too many wait already, try again later");
  if (code) return rl_error_raise(L, code, NULL);
  p->under_way = true;
  return rl_task_wait(L, "offload", undo, p, offload_k, (lua_KContext)p);
}

static const luaL_Reg functions[] = {{"offload", l_offload}, {NULL, NULL}};

void rl_bind_offload(lua_State *L) { luaL_setfuncs(L, functions, 0); }
