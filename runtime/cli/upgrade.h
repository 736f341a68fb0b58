/*
 * SIGUSR2 in a server without a supervisor: starts the binary that is on disk now with our sockets. Once it listens, this
 * process drains and ends. If it does not start, nothing changes.
 *
 *   start -> (the new process loads) -> "ready" -> on_ready: the owner stops
 *                                  \--> it ends: a line in the log says how, nothing else happens
 *
 * The service goes on under another pid, which systemd is told (Type=notify). If the end of this process would be taken for the
 * end of the service, the upgrade is refused.
 */
#ifndef RL_CLI_UPGRADE_H
#define RL_CLI_UPGRADE_H

#include "cli/handover.h"
#include "loop/loop.h"

typedef struct rl_upgrade rl_upgrade;

struct rl_upgrade {
  /* Set by the owner. */
  rl_loop *loop;
  rl_sockets *sockets; /* borrowed */
  void (*on_ready)(rl_upgrade *upgrade);
  void *owner;

  pid_t pid; /* 0: none is under way */
  int line;
  uv_poll_t *poll; /* of that line */
};

/* Starts the upgrade. If one is under way, or none is possible, it only logs that. */
void rl_upgrade_start(rl_upgrade *upgrade);
/* Stops the new process too, because we stop before it was ready. */
void rl_upgrade_cancel(rl_upgrade *upgrade);

#endif
