/*
 * A worker: one loop that listens, its connections, and the handler that answers their requests. Several workers share
 * nothing but a port.
 *
 *   init -> listen … -> start -> (requests) -> stop: listeners close, idle connections too, requests under way finish;
 *   at the timeout what is left is cut off -> on_stopped -> free
 */
#ifndef RL_SERVER_WORKER_H
#define RL_SERVER_WORKER_H

#include "server/accept.h"
#include "server/access_log.h"
#include "server/metrics.h"

typedef struct rl_handler rl_handler;
typedef struct rl_worker rl_worker;
typedef struct rl_worker_listener rl_worker_listener;

/* Answers requests: in C, or as the Lua app of app/. Owns each request until it releases it. */
struct rl_handler {
  void (*handle)(rl_handler *handler, rl_req *req);
  const rl_limits *limits; /* for the connections that bring its requests; NULL: the defaults */
};

enum { RL_WORKER_LISTENERS = 16 }; /* as many as somebody asks for by name; several workers' may come to one */

struct rl_worker {
  rl_loop *loop;
  rl_handler *handler; /* replaced by a reload; borrowed */
  rl_conn_host host;   /* its limits are the handler's from start on */
  rl_list connections;
  unsigned connection_count;
  rl_worker_listener **listeners;
  unsigned listener_count, listeners_open;
  bool stopping, full;
  rl_timer deadline;
  rl_metrics metrics;
  rl_access_writer *access; /* set by the owner before start; NULL: no access log */
  /* Set by the owner: an exchange has ended (http/conn.h). May be NULL. */
  void (*on_exchange)(rl_worker *worker, rl_req *req, const rl_exchange_report *how);
  void (*on_stopped)(rl_worker *worker); /* set by the owner; once, after stop */
  void *owner;
};

void rl_worker_init(rl_worker *worker, rl_loop *loop, rl_handler *handler);
/* After on_stopped. */
void rl_worker_free(rl_worker *worker);
/* Takes a listening socket. `options` is copied; NULL: all defaults. 0 or RL_ENOMEM: then the descriptor is closed. */
int rl_worker_listen(rl_worker *worker, int fd, const rl_listen_options *options);
void rl_worker_start(rl_worker *worker);
/* From now on requests go to this handler, and its limits are the connections'. Borrowed: it outlives its requests. */
void rl_worker_answer_with(rl_worker *worker, rl_handler *handler);
void rl_worker_stop(rl_worker *worker, uint64_t timeout_ms);

#endif
