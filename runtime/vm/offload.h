/*
 * Offload: a function of a module, run in a Lua state of its own on a thread of the pool; plain values in and out (copy.h).
 * States are kept and used again, so a module is loaded once in each. The function may wait: its state has a loop.
 */
#ifndef RL_VM_OFFLOAD_H
#define RL_VM_OFFLOAD_H

#include "loop/job.h"
#include "vm/vm.h"

typedef struct rl_offload rl_offload;

struct rl_offload {
  rl_job job;                        /* run and done are ours */
  rl_vm_options vm;                  /* of the state it runs in: as the one that asked, which may be closed by then */
  char *root;                        /* vm.root; owned */
  rl_buf in;                         /* module, function, arguments; owned */
  rl_buf out;                        /* true and results, or false and the error; owned */
  void (*done)(rl_offload *offload); /* on the loop: owns it then */
  void *owner;
};

/* `in`, done and owner are set by the caller, the struct is on the heap. */
void rl_offload_start(const rl_vm *from, rl_offload *offload);
/* Closes the states that are kept; when no offload is under way any more. */
void rl_offload_close_all(void);

#endif
