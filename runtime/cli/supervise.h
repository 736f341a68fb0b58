/*
 * rille serve --supervise: a parent that holds the listening sockets and keeps a worker process running.
 *
 *   parent: sockets, one thread, no Lua          worker: all that serves (serve.c)
 *
 *     start ------------------------------------> loads, starts lifespans, listens
 *     <------------------------------- "ready"    serves
 *     it died: says how, starts another one       connections that nobody accepted wait in the sockets' queues
 *     TERM, INT, HUP, USR1 ---------------------> the same
 *     USR2: starts the binary on disk ----------> ready: the one before drains; the parent becomes that binary too (exec),
 *                                                 with the same pid, sockets and children
 *
 * A worker that dies young is started again after a pause, which grows and is bounded. A first worker that never gets ready
 * ends the parent with its status. No worker survives the parent: when its line ends it drains and ends. As process 1 of a
 * container the parent reaps orphans. supervisor.h has the decisions, this file has the processes.
 */
#ifndef RL_CLI_SUPERVISE_H
#define RL_CLI_SUPERVISE_H

#include "cli/handover.h"

/* Returns the exit status: that of the worker that was told to stop, or 128 + N if signal N ended it. */
int rl_supervise(const rl_options *options);
/* Goes on in a new binary with what was handed over; its sockets and lines are taken. Returns the exit status. */
int rl_supervise_resume(const rl_handover *handover);

#endif
