/* Waiting for work behind a gate; see gated_call.h. */
#include "bind/core/gated_call.h"

#include <unistd.h>

void rl_gated_call_open(rl_gate *gate, unsigned queue) {
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  rl_gate_init(gate, cores > 0 ? (unsigned)cores : 1, queue);
}

static void on_done(rl_gated *gated, bool ran) {
  rl_gated_call *call = RL_CONTAINER(gated, rl_gated_call, gated);
  (void)ran; /* false only if it was abandoned */
  call->under_way = false;
  if (call->abandoned) call->free(call);
  else rl_task_wake(&call->waker);
}

void rl_gated_call_let_go(void *object) {
  rl_gated_call *call = object;
  call->waker.task = NULL;
  call->abandoned = true;
  if (call->under_way) rl_gate_cancel(&call->gated);
  else call->free(call);
}

static bool undo(rl_task *task, void *owner) {
  (void)task;
  rl_owner_release(owner);
  return true;
}

int rl_gated_call_wait(lua_State *L, rl_gate *gate, const char *name, rl_owner *owner, lua_KFunction k) {
  rl_gated_call *call = owner->object;
  rl_task *task = rl_task_running(L);
  call->gated.done = on_done;
  call->waker = rl_task_waker(task);
  if (rl_gate_enter(gate, task->vm->loop, &call->gated)) return 0;
  call->under_way = true;
  return rl_task_wait(L, name, undo, owner, k, (lua_KContext)owner);
}
