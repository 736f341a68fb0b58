/*
 * An exchange without a wire: a request made from its bytes, handed to a handler in the same process, and its response
 * taken apart into events. What the test client is made of; the head goes through the same reader as one from a socket.
 *
 *   rl_local_start(head) -> handler … on_head, on_body …, on_end | on_abort -> rl_local_free
 *
 * The request body is given whole, or piece by piece (rl_local_send) with backpressure: `flowing` says whether the handler
 * wants more now. Response bodies are pulled: beyond RL_LIMIT_WRITE_HIGH bytes that nobody has taken, the handler waits.
 */
#ifndef RL_HTTP_LOCAL_H
#define RL_HTTP_LOCAL_H

#include "base/buf.h"
#include "http/response.h"
#include "loop/loop.h"

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
  rl_loop *loop;
  rl_req *req;     /* NULL once both sides have finished with it */
  rl_buf sent;     /* request body that waits for the handler */
  rl_buf received; /* response body that nobody has taken yet */
  rl_post post;
  rl_framing framing;
  uint64_t answered; /* bytes of the response's body so far, but for a file's */
  int file;          /* of send_file: what has not been read into `received` yet */
  uint64_t file_at, file_left;
  bool flowing, sent_all, handler_waits, sent_file, file_done, head_done, ended, aborted, released;
};

/* Parses `head` (request line, fields, empty line) within these limits, and hands the request to `handle`. RL_FAULT_NONE, or why
 * a connection would refuse it: then it is answered as there, nobody is asked, and on_head comes from inside. The struct is
 * embedded and is freed by rl_local_free, not before on_end or on_abort unless the exchange is to be broken off. */
rl_fault rl_local_start(rl_local *local, rl_loop *loop, const rl_limits *limits, rl_slice head, bool secure,
                        void (*handle)(void *ud, rl_req *req), void *ud);
/* More of the request body; `last` ends it. 0 or RL_ENOMEM. */
int rl_local_send(rl_local *local, rl_slice bytes, bool last);
/* Takes `len` bytes off the front of `received`; the handler goes on where it waited for that. */
void rl_local_taken(rl_local *local, size_t len);
/* Ends it: a handler that still runs learns that its client has gone. */
void rl_local_free(rl_local *local);

#endif
