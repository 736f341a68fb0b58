/*
 * Offload: a function of a module, run in a Lua state of its own on a thread of a crew; plain values in and out (copy.h).
 * States are kept and used again, so a module is loaded once in each; there are never more of them than threads. The function
 * may wait: its state has a loop.
 *
 *   new -> [in is filled] -> start -> done, on the loop of who asked -> del
 *                              \-- abandon: nobody waits any more
 *
 * An abandoned one is cancelled: at once where it waits, by a hook where it computes (heartbeat.h). Its state is closed then,
 * because a function that was broken off anywhere may have left anything in its module.
 */
#ifndef RL_BIND_CORE_OFFLOAD_STATE_H
#define RL_BIND_CORE_OFFLOAD_STATE_H

#include "loop/crew.h"
#include "vm/vm.h"

typedef struct rl_offload rl_offload;

struct rl_offload {
  rl_errand errand;                  /* its functions are ours */
  rl_vm_options vm;                  /* of the state it runs in: as the one that asked, which may be closed by then */
  char *root;                        /* vm.root; owned */
  rl_buf in;                         /* module, function, count, arguments */
  rl_buf out;                        /* true, count, results; or false and an error value */
  void (*done)(rl_offload *offload); /* on the loop of who asked; not after it was abandoned */
  void *owner;

  /* Under offload.c's lock. */
  struct rl_offload_state *state; /* while it runs */
  rl_mail cancel;                 /* to that state's loop */
  bool cancelled, heard;
  rl_task *task; /* on the thread that runs it */
};

/* NULL where memory is short. */
rl_offload *rl_offload_new(void);
/* Not while it is under way. */
void rl_offload_del(rl_offload *offload);
/* `in`, done and owner are set. 0; RL_EBUSY where too many wait already, or RL_ENOMEM: then it is still the caller's. Inside
 * of an offloaded function none waits for a thread, for which it might wait for ever. */
int rl_offload_start(const rl_vm *from, rl_offload *offload);
/* Gives it up while it is under way. It is no longer the caller's. */
void rl_offload_abandon(rl_offload *offload);

/* Closes the states that are kept; when no offload is under way any more. False where a job of one of them goes on: the
 * process has to end by _exit then. */
bool rl_offload_close_all(void);

#endif
