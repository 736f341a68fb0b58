/*
 * The commands: their names, their arguments, and their help.
 */
#ifndef RL_CLI_COMMANDS_H
#define RL_CLI_COMMANDS_H

/* The arguments of a command: an APP, or words that it reads itself (RL_TAKES_REST); and its options. */
enum {
  RL_TAKES_APP = 1,
  RL_TAKES_REST = 2,
  RL_STAYS_HERE = 4, /* its root is the working directory, even with an APP */
  RL_FOR_SERVE = 8,
  RL_FOR_DEV = 16,
  RL_FOR_DOCTOR = 32,
  RL_FOR_NEW = 64,          /* lua/rille/new.lua reads them */
  RL_FOR_MIGRATE = 128,     /* lua/rille/boot.lua does */
  RL_FOR_CERTIFICATES = 256 /* lua/rille/acme/command.lua does */
};

typedef struct rl_command {
  const char *name;
  int takes;
  const char *help;
} rl_command;

/* Returns the command of that name, or NULL; the one at `i`, or NULL past the last. */
const rl_command *rl_command_find(const char *name);
const rl_command *rl_command_at(unsigned i);
/* Returns the command that an unknown name may mean, or NULL. */
const char *rl_command_meant(const char *name);

/* Returns the text of `rille help [COMMAND]`; NULL for an unknown command. */
const char *rl_command_help(const char *name);

#endif
