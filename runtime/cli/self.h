/*
 * What this process was started as: its arguments, its environment before .env, and where its binary stands. From these it
 * is started again, by a supervisor or by SIGUSR2.
 */
#ifndef RL_CLI_SELF_H
#define RL_CLI_SELF_H

#include <stdbool.h>
#include <sys/types.h>

/* First of all in main, before anything changes the environment. Borrows the arguments. */
void rl_self_note(int argc, char **argv);
/* The binary that stands on disk under the name by which this one was started, links included. */
const char *rl_self_binary(void);
/* The file that this very process runs, whatever has become of its name. */
const char *rl_self_image(void);
char **rl_self_arguments(void);

/* The environment as it was at the start, without what concerned this process alone, with one more "NAME=value" (borrowed).
 * The array is the caller's (rl_free). NULL where memory is short. */
char **rl_self_environment(const char *more);

/* Starts `path` with our arguments, with that environment, and with these descriptors under their own numbers. Signals that
 * reload, inspect and upgrade are held back until the process is ready for them. 0, or the errno of what failed. */
int rl_self_start(const char *path, const char *more, const int *fds, int count, pid_t *pid);

/* Holds back, or lets through, the signals that a serving process handles and that would end it before it does. */
void rl_self_hold_signals(void);
void rl_self_release_signals(void);

#endif
