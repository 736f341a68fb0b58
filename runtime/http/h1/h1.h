/*
 * HTTP/1 on a connection: turns the reader's events into requests, one after another, and their answers into bytes.
 *
 *              +-- no request: the next head is read (keep-alive clock, then head clock) <----------------+
 *              v                                                                                           |
 *   on_data -> head -> handle(req) -> body flows while the handler wants it -> respond … end -> release ---+
 *
 * Handlers of one connection run one after another, so answers leave in order. What arrives meanwhile waits, unparsed and
 * bounded, in `pending`; beyond that the socket is not read. Requests of one read turn are served in that turn, a fair
 * number of them, and their answers leave in one write.
 */
#ifndef RL_HTTP_H1_H1_H
#define RL_HTTP_H1_H1_H

#include "http/conn.h"
#include "http/h1/read.h"

typedef struct rl_h1 {
  rl_conn *conn;
  rl_h1_reader reader;
  rl_buf pending; /* arrived, not parsed yet */
  rl_req *req;    /* the request under way, NULL between two */
  rl_post resume;
  uint32_t served;
  int status;              /* of the response under way, 0 before there is one */
  bool parsing, clock_due; /* the clock is set once, when parsing is over */
  bool head_timed;         /* the clock is that of a head under way */
  bool wants_body;         /* the handler lets the body flow */
  bool continued;          /* 100 Continue was sent, or was not asked for */
  bool dropping;           /* the handler is done with the body: the rest is read and dropped, in bounds */
  bool dropped_enough;     /* beyond those bounds: nothing more is read */
  bool message_done;       /* the whole request message was read */
  bool body_failed;        /* it never will be */
  bool response_done, released;
  bool last;                             /* the connection ends behind this response */
  rl_framing framing;                    /* of the response under way */
  uint64_t sent;                         /* bytes of its body */
  uint64_t body_clock_ms, flowing_since; /* how long the body has been wanted, for its minimum rate */
  uint64_t dropped, drop_until_ms;       /* bytes, and the end of its time */
} rl_h1;

extern const rl_protocol rl_h1_protocol;

/* Embedded next to the connection, which must name rl_h1_protocol; init both before the loop runs again. */
void rl_h1_init(rl_h1 *h1, rl_conn *conn);

#endif
