/*
 * What this process was started as: its arguments, its environment before .env, and the name of its binary. A supervisor and
 * SIGUSR2 start it again from these.
 */
#ifndef RL_CLI_SELF_H
#define RL_CLI_SELF_H

#include <stdbool.h>
#include <sys/types.h>

/* Call first in main, before anything changes the environment. Borrows the arguments. */
void rl_self_note(int argc, char **argv);
/* Returns the path on disk under whose name this process was started; links are kept. An upgrade replaces that file. */
const char *rl_self_binary(void);
/* Returns a path to the very file that this process runs, even if its name is gone. */
const char *rl_self_image(void);
char **rl_self_arguments(void);

/* Returns the environment as it was at the start, without what was for this process alone, with one more "NAME=value"
 * (borrowed). The array is the caller's (rl_free), its strings are not. NULL if out of memory. */
char **rl_self_environment(const char *more);

/* Starts `path` with our arguments, with that environment, and with these descriptors under their own numbers. Signals that
 * reload, inspect and upgrade are held back until the process is ready for them. Returns 0, or the errno of what failed. */
int rl_self_start(const char *path, const char *more, const int *fds, int count, pid_t *pid);

/* Holds back, or lets through, the signals that a serving process handles and that would end it before it does. */
void rl_self_hold_signals(void);
void rl_self_release_signals(void);

#endif
