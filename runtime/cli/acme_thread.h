/*
 * What keeps the certificates of --acme: a thread with a loop and a Lua state of its own, which runs lua/rille/acme/keeper.lua. It
 * outlives reloads of the program, and waits for the disk and for the authority without a worker noticing.
 *
 *   main thread                          its own thread
 *   start -----------------------------> opens the folder, obtains, renews …
 *                                        rl_tls_store_reload, rl_tls_store_set_challenge
 *   stop ---------------- mail --------> cancelled
 *   on_end <------------- mail --------- told to stop, or the options are wrong (then the status is not 0)
 *   join
 */
#ifndef RL_CLI_ACME_THREAD_H
#define RL_CLI_ACME_THREAD_H

#include "app/main.h"
#include "cli/options.h"
#include "net/tls/store.h"

typedef struct rl_acme_thread rl_acme_thread;

struct rl_acme_thread {
  /* Set by the owner before start; borrowed. */
  const rl_options *options;
  const char *root;
  rl_tls_store *certificates;
  rl_loop *main_loop;
  bool has_http, has_tls; /* ports are open on which a challenge may be answered */
  /* It has ended, by itself if nobody has stopped it. On the main thread; not if join was called before. */
  void (*on_end)(rl_acme_thread *thread, int status);
  void *owner;

  uv_thread_t thread;
  rl_loop loop;
  rl_main main;
  rl_mail stop_mail, end_mail;
  bool started, stopping; /* the main thread's */
  bool stuck;             /* a job still runs: its memory stays, and the process ends soon; valid after join */
  int status;             /* valid from on_end on */
};

/* Starts the thread. Returns 0 or RL_ENOMEM. */
int rl_acme_thread_start(rl_acme_thread *thread);
/* Tells it to stop, once; returns at once. Does nothing if it never started. */
void rl_acme_thread_stop(rl_acme_thread *thread);
/* Waits for its end, a bounded time after stop. Does nothing if it never started. */
void rl_acme_thread_join(rl_acme_thread *thread);

#endif
