/*
 * Looks now and then whether the files of a store have changed, and reads them again if so. It asks the files themselves: certificates
 * come by links, by mounts of secrets and over networks, of which inotify does not tell.
 *
 *   each RL_TLS_WATCH_MS: changed? --RL_TLS_WATCH_QUIET_MS for the second file of the pair--> rl_tls_store_reload --> on_reload
 */
#ifndef RL_NET_TLS_WATCH_H
#define RL_NET_TLS_WATCH_H

#include "loop/loop.h"
#include "net/tls/store.h"

enum { RL_TLS_WATCH_MS = 5000, RL_TLS_WATCH_QUIET_MS = 1000 };

typedef struct rl_tls_watch rl_tls_watch;

struct rl_tls_watch {
  rl_loop *loop;
  rl_tls_store *store;
  rl_timer clock;
  /* Set by the owner after start: what came of a reload, as rl_tls_store_reload says it. `why` is borrowed until return. May be
   * NULL. */
  void (*on_reload)(rl_tls_watch *watch, int code, rl_slice why);
  void *owner;
};

/* Takes a reference of the store. From the loop's thread; one watch for a process is enough. */
void rl_tls_watch_start(rl_tls_watch *watch, rl_loop *loop, rl_tls_store *store);
void rl_tls_watch_stop(rl_tls_watch *watch);

#endif
