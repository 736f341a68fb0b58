/*
 * Opens a state that can run a program: a bare one (vm/vm.h) with the standard libraries, the native modules and `require`.
 */
#ifndef RL_BIND_OPEN_H
#define RL_BIND_OPEN_H

#include "vm/vm.h"

/* Opens a state in which `rille` and its modules can be required. The loop outlives it. The memory limit applies from the return
 * on. Returns NULL if out of memory. Free it with rl_vm_close. */
rl_vm *rl_vm_open(rl_loop *loop, const rl_vm_options *options);
/* Closes the state, whatever its tasks wait for. Undoes their waits and releases the requests that they answer. No task of it
 * may be running. `vm` may be NULL. */
void rl_vm_close(rl_vm *vm);

#endif
