/*
 * rille dev: serves with one worker and loads the program again at each save.
 */
#ifndef RL_CLI_DEV_H
#define RL_CLI_DEV_H

#include "cli/options.h"

/* Serves until a signal ends it. Returns the exit status. */
int rl_dev(const rl_options *options, const char *root);

#endif
