/*
 * One rille hands over to the next: listening sockets, and a line between the two. The text is in RILLE_HANDOVER, which only
 * rille sets. Descriptors keep their numbers across exec; everything else that is open is closed.
 *
 *   supervisor --start--> worker        line: "ready 1" once it listens, "at FILE:LINE" when it crashes; its end tells either
 *                                       side that the other has gone
 *   server --SIGUSR2--> successor       line: "ready 1"; then the one before drains and ends
 *   supervisor --exec--> supervisor     the same process in a new binary, with its children and their lines
 */
#ifndef RL_CLI_HANDOVER_H
#define RL_CLI_HANDOVER_H

#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "cli/sockets.h"

/* The version of the text and of the words on the line: raised when either changes. */
#define RL_HANDOVER_VERSION 2
enum { RL_HANDOVER_CHILDREN = 32 };

typedef enum rl_role { RL_ROLE_ALONE, RL_ROLE_WORKER, RL_ROLE_SUCCESSOR, RL_ROLE_SUPERVISOR } rl_role;

typedef struct rl_handover {
  rl_role role;
  pid_t from; /* who hands it over */
  int line;   /* -1: none */
  rl_sockets sockets;
  /* To a supervisor: */
  rl_log_format log;
  unsigned timeout_ms; /* --shutdown-timeout */
  int child_count;
  struct rl_handed_child {
    pid_t pid;
    int line;
    bool serves; /* else it drains */
    uint64_t since_ms;
  } children[RL_HANDOVER_CHILDREN];
} rl_handover;

/* Reads what was handed to us, takes it out of the environment, and closes every other descriptor after stderr. The role is
 * RL_ROLE_ALONE if there is nothing. Returns 0, or RL_EINVALID with a line in `why`: then nothing has changed. */
int rl_handover_take(rl_handover *handover, rl_buf *why);
/* Appends "RILLE_HANDOVER=…" with a NUL at its end. */
void rl_handover_write(const rl_handover *handover, rl_buf *out);
/* Starts `path` with what is handed over and the other end of a new line. Sets its pid and our end of the line, which does not
 * block and which the caller closes. h->line is set on the way. Returns 0, or the errno of what failed. */
int rl_handover_start(rl_handover *handover, const char *path, pid_t *pid, int *line);
/* Sends a word, all of it or nothing. A line of -1 sends nothing. Safe in a signal handler. */
void rl_line_say(int line, const char *text);

#endif
