/*
 * The reader of requests: bytes in, one event at a time out. It gathers a head (section.h), has it scanned (head.h) and parsed
 * (llhttp), applies the rules of the whole message (rl_req_check), and hands the body over piece by piece (body.h).
 *
 *        +------ HEAD ------+           +--- TRAILERS ---+
 *        | gather, scan,    |  chunked  | gather, scan,  |
 *   ---> | parse, check     | --> BODY --> cut           | --> END, and HEAD again
 *        +------------------+     |     +----------------+      |
 *                                 +--- Content-Length ----------+
 *
 * No I/O and no clock. The result does not depend on how the bytes were cut (a fuzz target holds it to that).
 */
#ifndef RL_HTTP_H1_READ_H
#define RL_HTTP_H1_READ_H

#include "http/h1/body.h"
#include "http/h1/framing.h"
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
  rl_section section; /* the head, or the trailers, that is under way */
  rl_h1_body body;
  const rl_limits *limits;
  rl_chunk_pool *chunks;
  rl_h1_message message; /* what the last head said */
  rl_req *head;
  rl_req *req; /* the message whose body is under way: the caller's, looked at until RL_H1_END */
  rl_slice piece;
  rl_fault fault;
  uint8_t state;
  rl_header *filling; /* fields go here */
  size_t filled, room;
} rl_h1_reader;

/* `limits` and `chunks` outlive the reader. */
void rl_h1_reader_init(rl_h1_reader *reader, const rl_limits *limits, rl_chunk_pool *chunks);
/* Frees what it gathered. */
void rl_h1_reader_free(rl_h1_reader *reader);
/* Uses bytes off the front of `in` up to the next event. */
rl_h1_event rl_h1_next(rl_h1_reader *reader, rl_slice *in);
/* Returns true if no byte of a message has been seen since the last one ended. */
bool rl_h1_is_idle(const rl_h1_reader *reader);

/* Returns true if rl_h1_next has an event without another byte: RL_H1_END after the last byte of a length, or a length above
 * the request's body_limit (which its owner may change until then). */
bool rl_h1_has_news(const rl_h1_reader *reader);

/* Start-up self-test: llhttp must have been compiled in strict mode. */
bool rl_h1_self_test(void);

#endif
