/*
 * .env: NAME=value lines for variables that the environment lacks. Quotes around a value are taken off, '#' starts a
 * comment, "export " in front is allowed. Nothing is expanded.
 */
#ifndef RL_CLI_DOTENV_H
#define RL_CLI_DOTENV_H

#include "base/buf.h"

/* Reads ROOT/.env where there is one. 0, or RL_ESYNTAX with a line in `why` that names file and line. */
int rl_dotenv_load(const char *root, rl_buf *why);
/* Reads it again: variables that came from it get their new values, or go. From the only thread that runs. */
int rl_dotenv_reload(const char *root, rl_buf *why);

#endif
