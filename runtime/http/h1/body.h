/*
 * The body machine of HTTP/1: bytes of a connection in, pieces of a body out. Requests and responses share it.
 *
 *   length --PIECE …---------------------------------> END
 *   chunks --PIECE …--> last chunk --TRAILERS--------> END        chunk lines are llhttp's, trailers head.h's
 *   until the connection ends --PIECE …
 *
 * Bytes of chunks that are no payload (sizes, extensions) are framing. It is bounded for each chunk, and may not outweigh the
 * payload ten times (RFC 9112 section 7.1.1, CVE-2024-22019). Trailers have limits of their own.
 *
 * Pure; the result does not depend on how the bytes were cut.
 */
#ifndef RL_HTTP_H1_BODY_H
#define RL_HTTP_H1_BODY_H

#include <llhttp.h>

#include "http/h1/section.h"

typedef enum rl_body_event {
  RL_BODY_MORE,     /* all bytes are used; more are needed */
  RL_BODY_PIECE,    /* body->piece: bytes of the body, borrowed from the input */
  RL_BODY_TRAILERS, /* body->piece: the trailer section with its empty line, borrowed until the next call; END follows */
  RL_BODY_END,      /* the body is complete */
  RL_BODY_FAULT     /* body->fault; the caller asks no more */
} rl_body_event;

typedef struct rl_h1_body {
  llhttp_t chunks;
  rl_section *section; /* where trailers are gathered */
  size_t trailers;     /* so many lines of them may come */
  rl_slice piece;
  rl_fault fault;
  uint64_t length, left;     /* of a body with a length */
  uint64_t framing, payload; /* of chunks: bytes of each */
  size_t chunk_line;         /* framing bytes since the last payload */
  uint8_t state, stop;
} rl_h1_body;

/* A body begins. `section` has been used up: it is the reader's, and outlives the body. */
void rl_h1_body_start_length(rl_h1_body *body, uint64_t length);
void rl_h1_body_start_chunks(rl_h1_body *body, rl_section *section, size_t trailers);
void rl_h1_body_start_until_end(rl_h1_body *body);

/* Uses bytes off the front of `in` up to the next event. `most`: so many bytes the body may have, which may change until it
 * has ended. */
rl_body_event rl_h1_body_next(rl_h1_body *body, rl_slice *in, uint64_t most);
/* Returns true if there is an event without another byte: END after the last byte of a length, or a length above `most`. */
bool rl_h1_body_has_news(const rl_h1_body *body, uint64_t most);

#endif
