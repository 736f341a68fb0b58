/*
 * Merges .env of the root into the environment: it sets variables that the environment lacks (base/dotenv.h describes its
 * format). Of two lines with one name the last counts. A file that cannot be read or parsed is an error, because a program
 * that starts without its settings is worse than one that does not start.
 */
#ifndef RL_CLI_DOTENV_H
#define RL_CLI_DOTENV_H

#include "base/buf.h"

/* Reads ROOT/.env if there is one. Returns 0, or an error with a line in `why` that names file and line; then nothing is
 * set. */
int rl_dotenv_load(const char *root, rl_buf *why);
/* Reads it again: variables that came from it get their new values, or are unset. Returns as rl_dotenv_load. Call while no
 * other thread runs. */
int rl_dotenv_reload(const char *root, rl_buf *why);

#endif
