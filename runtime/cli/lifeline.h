/*
 * A worker's line to its supervisor, watched by a thread of its own: when it ends, nobody holds the sockets any more and
 * nobody would stop us, so the process drains and ends. A thread, because the main one may be stuck in a program's code.
 */
#ifndef RL_CLI_LIFELINE_H
#define RL_CLI_LIFELINE_H

/* Takes the line. `most_s` is how long draining may take. 0 or RL_ENOMEM. */
int rl_lifeline_watch(int line, double most_s);

#endif
