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
  rl_buf pending;       /* arrived, not parsed yet */
  rl_exchange exchange; /* one after another */
  rl_post resume;
  uint32_t served;
  bool parsing, clock_due;         /* the clock is set once, when parsing is over */
  bool head_timed;                 /* the clock is that of a head under way */
  rl_h1_framing framing;           /* of the response under way */
  bool last;                       /* the connection ends after this response */
  bool dropped_enough;             /* nothing more is read of a body that is dropped */
  uint64_t dropped, drop_until_ms; /* bytes of such a body, and the end of its time */
} rl_h1;

/* Makes its state itself when a connection becomes one of it. */
extern const rl_protocol rl_h1_protocol;

#endif
