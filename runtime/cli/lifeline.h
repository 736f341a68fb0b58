/*
 * Watches a worker's line to its supervisor. When it ends, nobody holds the sockets any more and nobody would stop us, so the
 * process drains and ends. It has a thread of its own, because the main one may be stuck in a program's code.
 */
#ifndef RL_CLI_LIFELINE_H
#define RL_CLI_LIFELINE_H

/* Takes the line. `most_s` is how many seconds draining may take; then the process is killed. Returns 0 or RL_ENOMEM. */
int rl_lifeline_watch(int line, double most_s);

#endif
