/*
 * A state that can run a program: a bare one (vm/vm.h) with the libraries, the native modules and `require` in it.
 */
#ifndef RL_BIND_OPEN_H
#define RL_BIND_OPEN_H

#include "vm/vm.h"

/* A state with the standard libraries open, and with `rille` and its modules loadable. The loop outlives it. Returns NULL if out
 * of memory. Free it with rl_vm_close. */
rl_vm *rl_vm_open(rl_loop *loop, const rl_vm_options *options);
/* Closes the state, whatever its tasks wait for: their waits are undone and the requests they answer are given back. `vm` may be
 * NULL. */
void rl_vm_close(rl_vm *vm);

#endif
