/*
 * Parses the command line: a command (commands.h), its options by a table, and the rest. An error says what was expected and
 * what may have been meant; the caller exits with 2.
 */
#ifndef RL_CLI_OPTIONS_H
#define RL_CLI_OPTIONS_H

#include "base/buf.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/tls_options.h"

enum { RL_OPTION_HOSTS = 8, RL_OPTION_HOST = 80, RL_OPTION_ALLOWED = 32 };

typedef struct rl_options {
  const char *command;
  const char *app; /* APP, "app" or "app.lua" unless given */
  bool app_given;
  const char *hosts[RL_OPTION_HOSTS];
  int host_count;
  char host_room[RL_OPTION_HOSTS][RL_OPTION_HOST]; /* for hosts that were written in brackets */
  const char *allowed[RL_OPTION_ALLOWED];          /* of rille dev: hosts that may see its pages */
  int allowed_count;
  int port; /* --port, PORT, or the default: for who has one port only */
  bool port_given;
  rl_port ports[RL_OPTION_PORTS]; /* what serve opens, the first one is told first */
  int port_count;
  const char *unix_path;
  rl_tls_options tls;
  int threads; /* resolved, at least 1 */
  bool threads_auto;
  rl_log_format log;
  double shutdown_timeout; /* seconds */
  size_t memory_limit;     /* bytes, 0: none */
  double watchdog;         /* seconds, 0: off */
  bool supervise;
  bool json; /* of rille doctor */
  int argc;  /* the rest, for the command itself (rille run FILE …) */
  char **argv;
} rl_options;

/* Fills `options` from the command line, with HOST, PORT, RILLE_THREADS and RILLE_TLS of the environment as defaults. Returns 0, or
 * RL_EINVALID with a line in `why`. Strings are borrowed from argv and the environment. rl_options_free either way. */
int rl_options_parse(rl_options *options, int argc, char **argv, rl_buf *why);

/* Gives back what parsing has made. */
void rl_options_free(rl_options *options);

/* Returns true if the root is the folder that holds the command's APP; otherwise it is the working directory. */
bool rl_options_takes_app(const char *command);

/* Returns the option at `i` of those that a command takes; NULL past the last. */
const char *rl_options_of(const rl_command *command, unsigned i);

#endif
