/*
 * .env of the root, for variables that the environment lacks (base/dotenv.h says what may stand in it). Of two lines with one
 * name the last counts. A file that is there and cannot be read, or understood, is an error: a program that starts without
 * its settings is worse than one that does not.
 */
#ifndef RL_CLI_DOTENV_H
#define RL_CLI_DOTENV_H

#include "base/buf.h"

/* Reads ROOT/.env where there is one. 0, or an error with a line in `why` that names file and line; then nothing is set. */
int rl_dotenv_load(const char *root, rl_buf *why);
/* Reads it again: variables that came from it get their new values, or go. From the only thread that runs. */
int rl_dotenv_reload(const char *root, rl_buf *why);

#endif
