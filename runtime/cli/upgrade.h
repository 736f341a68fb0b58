/*
 * SIGUSR2 in a server that has no supervisor: the binary that is on disk now is started with our sockets, and once it listens
 * this process drains and ends. One that does not start changes nothing.
 *
 *   start -> (the new process loads) -> "ready" -> on_ready: the owner stops
 *                                  \--> it ends: a line in the log says how, nothing else happens
 *
 * The service goes on under another pid, of which systemd is told where it listens for that (Type=notify). Where the end of
 * this process would be taken for the end of the service, it refuses.
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

/* Does nothing but say so where one is under way, or none is possible. */
void rl_upgrade_start(rl_upgrade *upgrade);
/* We are to stop before it was ready: so is the new one. */
void rl_upgrade_cancel(rl_upgrade *upgrade);

#endif
