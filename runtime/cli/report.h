/*
 * An error told to whoever started the command.
 */
#ifndef RL_CLI_REPORT_H
#define RL_CLI_REPORT_H

#include "base/buf.h"

/* Prints "rille: WHY" on stderr and frees the buffer. */
void rl_report_error(rl_buf *why);

#endif
