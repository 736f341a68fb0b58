/*
 * A program: a loop and a Lua state that runs one command, on the thread that calls. `rille serve` runs one for each worker
 * (cli/serve.c); the other commands run one.
 */
#ifndef RL_CLI_PROGRAM_H
#define RL_CLI_PROGRAM_H

#include "app/main.h"
#include "cli/handover.h"
#include "cli/options.h"

/* Runs a command that serves nothing, from start to end. Returns its exit status. */
int rl_program_run(const rl_options *options, const char *root, rl_mode mode);
/* The last step of each command, once no state is left: waits for what goes on although nobody waits for it, as long as that
 * is worth it. Where it still goes on then, nothing that it may touch can be freed, and the process ends here. */
void rl_program_settle(rl_loop *loop, int status);
/* rille serve: all workers, signals, graceful stop; with what was handed over by the process before, or a supervisor. Returns
 * the exit status. */
int rl_serve(const rl_options *options, const char *root, const rl_handover *handover);
/* rille dev: the same with one worker, reloading on each save. Returns the exit status. */
int rl_dev(const rl_options *options, const char *root);

#endif
