/*
 * A service: a thread of its own with a queue of mail (the SQLite writer, the access log). It takes all waiting mail as
 * one batch, which makes group commit possible, and sleeps while there is none.
 *
 *   start -> (send … send) -> stop: what was sent before is still handled, then the thread ends and is joined
 */
#ifndef RL_LOOP_SERVICE_H
#define RL_LOOP_SERVICE_H

#include "loop/inbox.h"

typedef struct rl_service rl_service;

struct rl_service {
  uv_thread_t thread;
  uv_mutex_t lock;
  uv_cond_t wake;
  rl_mail_queue queue;
  bool stopping;
  const char *name;
  /* Runs on the service's thread with all mail that waited, at least one; it shifts every mail off the batch. */
  void (*on_batch)(rl_service *service, rl_mail_queue *batch);
  /* Runs on the service's thread each time it has waited `idle_ms` without mail; NULL: never. */
  void (*on_idle)(rl_service *service);
  unsigned idle_ms;
};

/* Starts the thread; the caller has set name and callbacks. `name` (at most 15 bytes, borrowed) is shown by ps. Returns 0
 * or RL_ENOMEM. */
int rl_service_start(rl_service *service);
/* Sends mail from any thread. Not after stop was called. */
void rl_service_send(rl_service *service, rl_mail *mail);
/* Moves mail that came meanwhile to the end of `batch`. Returns true if there was any. From the service's thread. */
bool rl_service_take_more(rl_service *service, rl_mail_queue *batch);
void rl_service_stop(rl_service *service);

#endif
