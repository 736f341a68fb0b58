/*
 * rille completion bash|zsh|fish: prints the script with which a shell completes commands and options. The words come from the
 * tables of commands.h and options.h, so they are always up to date.
 */
#ifndef RL_CLI_COMPLETION_H
#define RL_CLI_COMPLETION_H

/* Prints it. Returns 0, or 2 if the shell is none of the three. */
int rl_completion_print(const char *shell);

#endif
