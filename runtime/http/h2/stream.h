/*
 * A stream of HTTP/2: one request and its answer, as rl_exchange_ops on nghttp2.
 *
 *   head gathered -> begin -> body: [window] -> handler                       | request
 *                       \---> response: respond, write, send_file -> out -> [window] -> frames
 *
 *   unread   pieces that came before the handler wanted them, at most a window
 *   out      what was written and has no window or no room yet (outflow.h)
 *
 * The stream of nghttp2 ends when both sides have finished or one has reset it (`closed`); the exchange ends when the handler has
 * released the request. The later of the two ends this.
 */
#ifndef RL_HTTP_H2_STREAM_H
#define RL_HTTP_H2_STREAM_H

#include "http/h2/connection.h"
#include "http/h2/head.h"
#include "http/h2/outflow.h"

typedef struct rl_h2_stream {
  rl_h2 *h2;
  int32_t id;
  rl_list node;    /* h2->streams */
  rl_list news;    /* h2->todo or h2->dead */
  rl_h2_head head; /* fields under way; head.req is ours until the request begins */
  rl_exchange exchange;
  rl_buf unread;
  rl_h2_outflow out;     /* the response */
  uint64_t moved_ms;     /* when the response got on last, or began to wait */
  uint8_t trailer_fault; /* rl_fault: why the message cannot end well; told when its handler has had the body */
  bool begun;            /* the handler has, or had, the request */
  bool head_ready;       /* the head is complete, the request may begin */
  bool remote_done;      /* END_STREAM has come */
  bool closed;           /* nghttp2 has no such stream any more */
  bool lost;             /* it was closed too early, and the handler does not know yet */
  bool deferred;         /* nghttp2 waits for rl_h2 to have more of the body */
  bool end_sent;         /* END_STREAM has left */
  bool shares;           /* its response takes turns with others, or the client has said what it does */
  bool wide;             /* its window has grown */
  bool drain_due;        /* the handler waits for on_drain */
  bool answered;         /* the request was refused before it began: the answer is all there is */
} rl_h2_stream;

/* Makes a stream, under way in `h2`. Returns NULL if out of memory. */
rl_h2_stream *rl_h2_stream_new(rl_h2 *h2, int32_t id);
void rl_h2_stream_del(rl_h2_stream *stream);

/* ---- what nghttp2 tells, inside of it ---- */

/* The head is complete: the request is checked, and begins soon or is refused. `ended`: no body follows. */
void rl_h2_stream_take_head(rl_h2_stream *stream, bool ended);
/* Trailers begin, after the head and the body. */
void rl_h2_stream_begin_trailers(rl_h2_stream *stream);
/* They are complete. */
void rl_h2_stream_take_trailers(rl_h2_stream *stream);
/* A piece of the body. */
void rl_h2_stream_take_body(rl_h2_stream *stream, rl_slice piece);
/* The client has finished its message. */
void rl_h2_stream_end_message(rl_h2_stream *stream);
/* Our end of the response has left. */
void rl_h2_stream_end_sent(rl_h2_stream *stream);
/* nghttp2 has closed it; `code` is an error code of HTTP/2. */
void rl_h2_stream_close(rl_h2_stream *stream, uint32_t code);
/* Appends the frame of `length` bytes of the response to the connection's output. 0 or a code of nghttp2. */
int rl_h2_stream_send_data(rl_h2_stream *stream, const uint8_t *frame_head, size_t length);

/* ---- outside of it ---- */

/* Does what there is to do: begins the request, hands over the body, says that there is room. */
void rl_h2_stream_step(rl_h2_stream *stream);
/* Has it stepped soon. */
void rl_h2_stream_has_news(rl_h2_stream *stream);
/* Tells the handler if its body comes too slowly; else brings *next, when that is to be looked at again, forward. */
void rl_h2_stream_pace(rl_h2_stream *stream, uint64_t now_ms, uint64_t *next);
/* Returns true if some of the response waits here. */
bool rl_h2_stream_waits(const rl_h2_stream *stream);
/* Returns true if the client gives the stream no window. */
bool rl_h2_stream_is_shut(const rl_h2_stream *stream);
/* The client has not done its part: its handler hears `code`, and the stream is reset. */
void rl_h2_stream_give_up(rl_h2_stream *stream, int code);
/* What is left of the response will never come: makes the client see that. */
void rl_h2_stream_break_off(rl_h2_stream *stream);
/* Puts it on the list of the dead if nothing needs it any more. */
void rl_h2_stream_bury(rl_h2_stream *stream);

#endif
