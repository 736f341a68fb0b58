/*
 * The HTTP/1 reader: bytes in, one event at a time out. It gathers a head, has it guarded (head.h) and parsed (llhttp),
 * applies the rules of the whole message (rl_req_check), and then hands the body over piece by piece, bounded.
 *
 *        +------ HEAD ------+           +--- TRAILERS ---+
 *        | gather, guard,   |  chunked  | gather, guard, |
 *   ---> | parse, check     | --> BODY --> parse         | --> END, and HEAD again
 *        +------------------+     |     +----------------+      |
 *                                 +--- Content-Length ----------+
 *
 * No I/O and no clock. The result does not depend on how the bytes were cut (a fuzz target holds it to that).
 */
#ifndef RL_HTTP_H1_READ_H
#define RL_HTTP_H1_READ_H

#include <llhttp.h>

#include "base/buf.h"
#include "http/h1/framing.h"
#include "http/h1/head.h"
#include "http/request.h"

typedef enum rl_h1_event {
  RL_H1_MORE, /* all bytes are used; nothing to say yet */
  RL_H1_HEAD, /* reader->head: the caller owns it from now on, and keeps it until RL_H1_END where a body follows
                  (head->body_done says that none does, and then no RL_H1_END comes) */
  RL_H1_BODY, /* reader->piece: bytes of the body, borrowed from the input */
  RL_H1_END,  /* the message is complete */
  RL_H1_FAULT /* reader->fault; sticky, the connection ends */
} rl_h1_event;

typedef struct rl_h1_reader {
  llhttp_t parser;
  rl_head_scan scan;
  rl_buf gather; /* of a head or trailer section that came in more than one piece */
  const rl_limits *limits;
  rl_chunk_pool *chunks;
  rl_h1_message message; /* what the last head said */
  rl_req *head;
  rl_req *req; /* the message whose body is under way: the caller's, looked at until RL_H1_END */
  rl_slice piece;
  rl_fault fault;
  uint8_t state, stop;
  uint64_t left;             /* of the Content-Length */
  uint64_t framing, payload; /* of a chunked body: bytes of each */
  size_t chunk_line;         /* framing bytes since the last payload */
  rl_header *filling;        /* llhttp's fields go here */
  size_t filled, room;
} rl_h1_reader;

/* `limits` and `chunks` outlive the reader. */
void rl_h1_reader_init(rl_h1_reader *reader, const rl_limits *limits, rl_chunk_pool *chunks);
/* Frees what it gathered. */
void rl_h1_reader_free(rl_h1_reader *reader);
/* Uses bytes off the front of `in` up to the next event. */
rl_h1_event rl_h1_next(rl_h1_reader *reader, rl_slice *in);
/* Whether no byte of a message has been seen since the last one ended. */
bool rl_h1_is_idle(const rl_h1_reader *reader);

/* Whether rl_h1_next has something to say without another byte: RL_H1_END behind the last byte of a length, or that the
 * length is more than the request's body_limit (which its owner may change until then). */
bool rl_h1_has_news(const rl_h1_reader *reader);

/* Start-up self-test: llhttp must have been compiled in strict mode. */
bool rl_h1_self_test(void);

#endif
