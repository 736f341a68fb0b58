/*
 * A stream without a socket (net/stream.h). The test feeds the bytes that it delivers, and reads the bytes that it takes.
 *
 *   test --feed, eof, break--> [bytes][bytes] --on_data, on_eof, on_error--> owner
 *   owner --write--> `out`, as much as `room`, `most` and `refusals` let through
 *
 * Each piece that is fed is delivered by one on_data, from memory of exactly its size, so that the address sanitizer sees a
 * read beyond it. One event is delivered in a turn of the loop, never from inside a call. Memory comes from malloc, so that
 * it is no allocation of rille's that a test can make fail (rl_alloc_fail_at).
 */
#ifndef CTESTS_SUPPORT_MEM_STREAM_H
#define CTESTS_SUPPORT_MEM_STREAM_H

#include "loop/loop.h"
#include "net/stream.h"

typedef struct mem_piece mem_piece;

typedef struct mem_stream {
  rl_stream stream; /* first */
  rl_loop *loop;
  rl_post turn;
  mem_piece *first, *last; /* fed, not delivered */
  bool reading, wants_writable;
  bool eof, eof_told;
  bool late_eof; /* the FIN is noticed only while reading, as with sockets */
  int broken;    /* RL_ERESET …: on_error is due, or was told */
  bool broken_told;
  char *out; /* everything that was written */
  size_t out_len, out_cap;
  size_t room;       /* bytes the peer still takes; SIZE_MAX: all */
  size_t most;       /* of one write; SIZE_MAX: all */
  unsigned refusals; /* how many writes return RL_EAGAIN although there is room; every second one does, until then */
  bool no_files;     /* send_file is unsupported */
  bool refused;
  int write_error;                /* what writes fail with … */
  unsigned good_writes;           /* … after so many that do not */
  bool shut, closed, reset, done; /* shutdown, close (how), and on_closed was told */
} mem_stream;

void mem_stream_init(mem_stream *s, rl_loop *loop);
/* Frees it, after on_closed or if it never had an owner. */
void mem_stream_free(mem_stream *s);

/* Sends bytes from the peer. Copies them. */
void mem_stream_feed(mem_stream *s, rl_slice bytes);
/* The peer's FIN, after what was fed. */
void mem_stream_eof(mem_stream *s);
/* Sends the peer's RST: bytes that were fed and not delivered are lost, and writes fail. */
void mem_stream_break(mem_stream *s, int code);
/* Lets the peer read `bytes` more. */
void mem_stream_take(mem_stream *s, size_t bytes);
/* Returns what was written so far; borrowed until the next write. */
static inline rl_slice mem_stream_out(const mem_stream *s) { return rl_slice_of(s->out, s->out_len); }

#endif
