/*
 * An exchange without a wire: a request made from its bytes, handed to a handler in the same process, and its response taken
 * apart into events. testing.client is made of it. The head goes through the same reader as one from a socket, and the rules are
 * those of every exchange (exchange.h), so an answer here is the answer that a connection would give.
 *
 *   rl_local_start(head) -> handler … on_head, on_body …, on_end | on_abort -> rl_local_free
 *
 * The request body is given whole, or piece by piece (rl_local_send) as the handler wants it. Response bodies are pulled: beyond
 * RL_LIMIT_WRITE_HIGH bytes that nobody has taken, the handler waits.
 */
#ifndef RL_HTTP_LOCAL_H
#define RL_HTTP_LOCAL_H

#include "base/buf.h"
#include "http/exchange.h"

typedef struct rl_local rl_local;

/* Told while the handler runs: each only notes what happened. */
typedef struct rl_local_events {
  void (*on_head)(rl_local *local, const rl_resp *resp);         /* borrowed until return */
  void (*on_trailer)(rl_local *local, const rl_header *trailer); /* each, before the body ends; borrowed until return */
  void (*on_change)(rl_local *local); /* bytes arrived, the body ended, or the exchange broke off */
  void (*on_flow)(rl_local *local);   /* the handler wants request body, or no longer does */
} rl_local_events;

struct rl_local {
  const rl_local_events *events;
  void *owner;
  rl_exchange exchange;
  rl_buf sent;     /* request body that waits for the handler */
  rl_buf received; /* response body that nobody has taken yet */
  rl_post post;
  int file; /* of send_file: what has not been read into `received` yet */
  uint64_t file_at, file_left;
  bool sent_all, handler_waits, file_done, head_done, ended, aborted;
};

/* Parses `head` (request line, fields, empty line) within these limits, which outlive it, and hands the request to `handle`.
 * RL_FAULT_NONE, or why a connection would refuse it: then it is answered as there, nobody is asked, and on_head comes from
 * inside. The struct is embedded and is freed by rl_local_free, not before the response has ended or broken off unless the
 * exchange must be broken off. */
rl_fault rl_local_start(rl_local *local, rl_loop *loop, const rl_limits *limits, rl_slice head, bool secure,
                        void (*handle)(void *ud, rl_req *req), void *ud);
/* More of the request body; `last` ends it. 0 or RL_ENOMEM. */
int rl_local_send(rl_local *local, rl_slice bytes, bool last);
/* Returns true if the handler waits for more of the request body. */
bool rl_local_wants_body(const rl_local *local);
/* Returns true if it never will wait for it again. */
bool rl_local_is_done_with_body(const rl_local *local);
/* Takes `len` bytes off the front of `received`; a handler that waited for room goes on. */
void rl_local_taken(rl_local *local, size_t len);
/* Ends it: a handler that still runs learns that its client has gone. */
void rl_local_free(rl_local *local);

#endif
