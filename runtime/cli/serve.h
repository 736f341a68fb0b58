/*
 * rille serve: all workers of a process, their signals, and the graceful stop.
 */
#ifndef RL_CLI_SERVE_H
#define RL_CLI_SERVE_H

#include "cli/handover.h"
#include "cli/options.h"

/* Serves until a signal or the program ends it. `handover` is what a supervisor or a predecessor passed on; its sockets are
 * taken. Returns the exit status. */
int rl_serve(const rl_options *options, const char *root, const rl_handover *handover);

#endif
