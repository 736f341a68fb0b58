/*
 * The commands: their names, what they take, and what help says of them.
 */
#ifndef RL_CLI_COMMANDS_H
#define RL_CLI_COMMANDS_H

/* What a command takes: an APP, or words that are its own to read (RL_TAKES_REST); and which options. */
enum {
  RL_TAKES_APP = 1,
  RL_TAKES_REST = 2,
  RL_STAYS_HERE = 4, /* its root is the working directory, APP or not */
  RL_FOR_SERVE = 8,
  RL_FOR_DEV = 16,
  RL_FOR_DOCTOR = 32,
  RL_FOR_NEW = 64,     /* lua/rille/new.lua reads them */
  RL_FOR_MIGRATE = 128 /* lua/rille/boot.lua does */
};

typedef struct rl_command {
  const char *name;
  int takes;
  const char *help;
} rl_command;

/* The command of that name, or NULL; the one at `i`, or NULL behind the last. */
const rl_command *rl_command_find(const char *name);
const rl_command *rl_command_at(unsigned i);
/* The command that may be meant by a name that is none, or NULL. */
const char *rl_command_meant(const char *name);

/* The text of `rille help [COMMAND]`; NULL for an unknown command. */
const char *rl_command_help(const char *name);

#endif
