/*
 * Offload: calls a function of a module in a Lua state of its own, on a thread of a crew. Plain values go in and out
 * (vm/copy.h). States are kept and used again, so a module is loaded once in each. There are never more states than threads.
 * The function may wait: its state has a loop.
 *
 *   new -> [fill in] -> start -> done, on the loop of who asked -> del
 *                         \-- abandon: nobody waits any more
 *
 * An abandoned offload is cancelled: at once if it waits, by a hook if it computes (vm/task/heartbeat.h). Its state is closed
 * afterwards, because the interrupted function may have left its module in any condition.
 */
#ifndef RL_BIND_CORE_OFFLOAD_STATE_H
#define RL_BIND_CORE_OFFLOAD_STATE_H

#include "loop/crew.h"
#include "vm/vm.h"

typedef struct rl_offload rl_offload;

struct rl_offload {
  rl_errand errand; /* set by rl_offload_start */
  rl_vm_options vm; /* of the state it runs in; copied, for the state that asked may be closed by then */
  char *root;       /* vm.root; owned */
  rl_buf in;        /* module, function, count, arguments */
  rl_buf out;       /* true, count, results; or false and an error value */
  void (*done)(rl_offload *offload); /* called on the loop of who asked; not after it was abandoned */
  void *owner;

  /* state and cancelled are under the lock of offload_state.c; heard and task belong to the thread that runs it. */
  struct rl_offload_state *state; /* while it runs */
  rl_mail cancel;                 /* to that state's loop */
  bool cancelled, heard;
  rl_task *task;
};

/* Makes an empty offload. Returns NULL if out of memory. */
rl_offload *rl_offload_new(void);
/* Frees an offload that is not under way. */
void rl_offload_del(rl_offload *offload);
/* Starts it; the caller has set in, done and owner. Returns 0, RL_EBUSY if too many wait already, or RL_ENOMEM; after an error it
 * is still the caller's. Called inside an offloaded function it returns RL_EBUSY unless a thread is free, because waiting for one
 * could deadlock. */
int rl_offload_start(const rl_vm *from, rl_offload *offload);
/* Abandons an offload that is under way. It is no longer the caller's. */
void rl_offload_abandon(rl_offload *offload);

/* Closes the idle states, when no offload is under way any more. Returns false if a job of one of them goes on: then the process
 * must end by _exit. */
bool rl_offload_close_all(void);

#endif
