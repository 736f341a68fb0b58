/*
 * A task that waits for work behind a gate (loop/gate.h): a password's hash, a large body's compression. The work cannot be stopped
 * on its thread. If its task is cancelled, the work is abandoned and frees itself when it is done.
 *
 *   rl_owner_push(L, rl_gated_call_let_go) -> owner.object = the call, on the heap -> rl_gated_call_wait -> k reads, then releases
 */
#ifndef RL_BIND_CORE_GATED_CALL_H
#define RL_BIND_CORE_GATED_CALL_H

#include "loop/gate.h"
#include "vm/owner.h"
#include "vm/task/task.h"

typedef struct rl_gated_call rl_gated_call;

/* Embedded first in what the work needs; the owner's object. */
struct rl_gated_call {
  rl_gated gated; /* run is the caller's */
  rl_waker waker;
  bool under_way, abandoned; /* abandoned: nobody waits any more */
  void (*free)(rl_gated_call *call);
};

/* Lets at most as many calls in as there are cores, and `queue` wait. For uv_once. */
void rl_gated_call_open(rl_gate *gate, unsigned queue);
/* The release function of the owner. */
void rl_gated_call_let_go(void *call);
/* Enters the gate and waits, as the last act; `owner` owns the call, and is `k`'s context. rl_task_may_wait has been called, with
 * the same name. Returns 0, and does not wait, if too many calls wait already. */
int rl_gated_call_wait(lua_State *L, rl_gate *gate, const char *name, rl_owner *owner, lua_KFunction k);

#endif
