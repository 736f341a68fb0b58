/*
 * A program: a loop and a Lua state that runs one command on the calling thread. `rille serve` and `rille dev` have loops of
 * their own (serve.h, dev.h); every other command runs here.
 */
#ifndef RL_CLI_PROGRAM_H
#define RL_CLI_PROGRAM_H

#include "app/main.h"
#include "cli/options.h"

/* Runs a command that serves nothing, from start to end. Returns its exit status. */
int rl_program_run(const rl_options *options, const char *root, rl_mode mode);
/* The last step of each command, after its last state is gone. Waits a bounded time for jobs, crews and offloads that nobody
 * waits for. If some still run then, nothing that they may touch can be freed: the process exits here with `status`. */
void rl_program_settle(rl_loop *loop, int status);

#endif
