/*
 * rille completion bash|zsh|fish: what a shell needs to complete commands and options. The words come from the table of
 * commands (options.h), so that they cannot lag behind it.
 */
#ifndef RL_CLI_COMPLETION_H
#define RL_CLI_COMPLETION_H

/* Prints it. 0, or 2 where the shell is none of the three. */
int rl_completion_print(const char *shell);

#endif
