/*
 * What the files of this room share of one connection: its state, its way out, and the ways in which it ends.
 *
 *   h2.c, session.c, clock.c  ->  stream.c  ->  connection.c  ->  nghttp2_session_mem_send -> rl_conn_out
 */
#ifndef RL_HTTP_H2_CONNECTION_H
#define RL_HTTP_H2_CONNECTION_H

#include <nghttp2/nghttp2.h>

#include "http/conn.h"
#include "http/h2/guard.h"

/* What the connection waits for, in moments of rl_loop_now; 0: for nothing of that kind (clock.h). */
typedef struct rl_h2_clock {
  uint64_t at;          /* when rl_conn_clock fires */
  uint64_t idle_ms;     /* no stream is open since then */
  uint64_t head_ms;     /* a header block is under way since then */
  uint64_t settings_ms; /* ours are not acknowledged since then */
  uint64_t eof_ms;      /* the client has finished sending */
  uint64_t notice_ms;   /* it was told that the connection ends */
  uint64_t sent_ms;     /* data was sent last */
} rl_h2_clock;

/* How far the end of a connection that ends in peace has come (RFC 9113 section 6.8). */
typedef enum rl_h2_goaway {
  RL_H2_GOAWAY_NONE,
  RL_H2_GOAWAY_NOTICE, /* "start nothing new": what is on its way is still answered */
  RL_H2_GOAWAY_FINAL   /* and these are the last */
} rl_h2_goaway;

typedef struct rl_h2 {
  rl_conn *conn;
  nghttp2_session *session;
  rl_h2_guard guard;
  rl_h2_clock clock;
  rl_list streams;  /* all */
  rl_list todo;     /* those with news */
  rl_list dead;     /* those that may be freed */
  unsigned running; /* requests whose handlers have not finished */
  uint32_t served;
  rl_post work;
  void (*on_work)(rl_post *post);
  size_t queued;   /* bytes of responses that wait in streams */
  uint8_t goaway;  /* rl_h2_goaway */
  bool inside;     /* nghttp2 is under way */
  bool working;    /* rl_h2.work is under way */
  bool held;       /* some request waits to begin until `queued` is less */
  bool head_waits; /* names and values that nghttp2 borrows are in its queue */
  bool ending;     /* the client has broken the protocol, or floods: GOAWAY is on its way, and nothing else follows */
  int broken;      /* why the connection must end at once, or 0 */
} rl_h2;

/* Makes frames of what is ready, as far as the connection's output has room. Does nothing inside of nghttp2: `work` does it then. */
void rl_h2_pump(rl_h2 *h2);
/* Has `work` run soon. */
void rl_h2_work_soon(rl_h2 *h2);
/* Notes what nghttp2 has returned; a fatal code ends the connection soon. */
void rl_h2_check(rl_h2 *h2, int nghttp2_code);
/* Ends the connection for a flood: ENHANCE_YOUR_CALM. */
void rl_h2_calm(rl_h2 *h2, rl_h2_flood flood);
/* Returns true if frames may be made right now. */
bool rl_h2_can_pump(const rl_h2 *h2);

/* Something is due so long from now (clock.h): looks at it then at the latest. */
void rl_h2_due(rl_h2 *h2, uint64_t delay_ms);
/* Ends the connection in peace, in two steps, so that no request is lost (RFC 9113 section 6.8). */
void rl_h2_shut(rl_h2 *h2);
/* The second step, at once. */
void rl_h2_shut_now(rl_h2 *h2);

#endif
