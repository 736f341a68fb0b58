/*
 * How HTTP/1 says where a message ends and whether the connection goes on (RFC 9112 sections 6, 7 and 9.3). What holds for every
 * protocol stands elsewhere: target, host and expectations in request.h, whether a response has a body in response.h.
 *
 *   request head  --rl_h1_check_framing-->  req->length, has_length, body_done   + rl_h1_message
 *   rl_framing    --rl_h1_framing_of----->  rl_h1_framing: a length, chunks, or up to the end of the connection
 */
#ifndef RL_HTTP_H1_FRAMING_H
#define RL_HTTP_H1_FRAMING_H

#include "http/response.h"

/* What a request says of its connection. */
typedef struct rl_h1_message {
  bool chunked;    /* the body comes in chunks */
  bool keep_alive; /* the client wants the connection to go on */
} rl_h1_message;

/* Applies the rules for Content-Length, Transfer-Encoding and Connection to a head whose version and headers are filled in.
 * RL_FAULT_NONE or what is wrong: then it is open where the next request would begin. */
rl_fault rl_h1_check_framing(rl_req *req, rl_h1_message *message);

/* How a response is framed on this wire. */
typedef struct rl_h1_framing {
  bool has_length;  /* Content-Length is sent */
  bool chunked;     /* HTTP/1.1, and of unknown length */
  bool until_close; /* HTTP/1.0, and of unknown length: the end of the connection ends it */
  uint64_t length;
} rl_h1_framing;

rl_h1_framing rl_h1_framing_of(const rl_framing *framing, rl_version version);

#endif
