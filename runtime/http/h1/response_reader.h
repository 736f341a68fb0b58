/*
 * The response reader: bytes of an HTTP/1.1 connection in, one event at a time out (the other side of http/h1/read.h).
 *
 *   1xx <-+
 *         |
 *   --> [head] --HEAD--> [length | chunked | until the end] --BODY …--> END          [none] --> END
 *
 * How a body is framed, rl_response_head_framing says, strictly. Interim responses (1xx) are passed over, so many of them; 101 is an answer to who has
 * asked for it, after which the connection is not HTTP any more, and a fault for everybody else.
 *
 * The head's lines go to rl_response_head (http/h1/response_head.h), which has the limits; chunks are llhttp's. Pure: no I/O, no clock; the
 * result does not depend on how the bytes were cut (a fuzz target holds it to that).
 */
#ifndef RL_HTTP_H1_RESPONSE_READER_H
#define RL_HTTP_H1_RESPONSE_READER_H

#include <llhttp.h>

#include "http/h1/response_head.h"

typedef enum rl_response_event {
  RL_RESPONSE_MORE, /* all bytes are used; nothing to say yet */
  RL_RESPONSE_HEAD, /* the head is complete */
  RL_RESPONSE_BODY, /* reader->piece: bytes of the body, not decoded; borrowed from the input */
  RL_RESPONSE_END,  /* the response is complete; what is left of the input does not belong to it */
  RL_RESPONSE_FAULT /* reader->code and reader->why; sticky, the connection ends */
} rl_response_event;

typedef struct rl_response_reader {
  rl_response_head *head; /* of the response under way; the caller's */
  rl_buf gather;          /* a line that came in more than one piece */
  llhttp_t chunks;        /* the parser, where the body is chunked */
  rl_slice piece;
  uint64_t left;  /* of a length */
  size_t framing; /* bytes of the head, later since the last payload of a chunk */
  uint8_t state;
  unsigned interims;
  bool to_head;    /* the request was HEAD */
  bool upgrades;   /* the request asked for another protocol */
  bool keep_alive; /* the connection may carry another exchange, valid at RL_RESPONSE_END */
  bool last;       /* llhttp has seen the end of the chunks */
  int code;        /* RL_EPROTOCOL, RL_ETOOBIG, RL_ERESET (the connection ended too early), RL_ENOMEM */
  const char *why; /* one line for people, static */
} rl_response_reader;

void rl_response_reader_init(rl_response_reader *reader);
void rl_response_reader_free(rl_response_reader *reader);
/* The next response is the answer to a request that has just been sent: was it HEAD, had it an Upgrade field? `head` is filled,
 * and outlives it. */
void rl_response_reader_start(rl_response_reader *reader, rl_response_head *head, bool to_head, bool upgrades);
/* Uses bytes off the front of `in` up to the next event. */
rl_response_event rl_response_reader_next(rl_response_reader *reader, rl_slice *in);
/* The connection has ended: RL_RESPONSE_END where that is how the body ends, else RL_RESPONSE_FAULT. */
rl_response_event rl_response_reader_eof(rl_response_reader *reader);

#endif
