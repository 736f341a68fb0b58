/*
 * A response before it is put on a wire: plain data that the handler fills in and lends to rl_req_ops.respond.
 * How its body is framed follows from the request and from it, by one function, for every protocol.
 */
#ifndef RL_HTTP_RESPONSE_H
#define RL_HTTP_RESPONSE_H

#include "http/request.h"

struct rl_resp {
  int status;            /* 200 to 599 */
  rl_slice content_type; /* "": none */
  const rl_header *headers;
  size_t header_count;
  rl_slice body;   /* all of it, or the first piece of a stream */
  bool streamed;   /* more follows by write, up to end */
  bool has_length; /* of a stream: its whole size is known; of a body that HEAD does without: so long it would be */
  uint64_t length;
  bool close;         /* the connection ends after this response */
  bool wants_no_body; /* the rest of the request's body is not wanted, though this response is still under way */
};

/* Whether a response has a body, and how long it is, in any protocol (RFC 9110 sections 6.4.1 and 8.6). */
typedef struct rl_framing {
  bool body;       /* bytes follow the head: not for HEAD, 204 and 304 */
  bool has_length; /* `length` is known, and said */
  uint64_t length;
} rl_framing;

rl_framing rl_resp_framing(const rl_req *req, const rl_resp *resp);

/* What a handler may not set itself: Content-Length, Transfer-Encoding, Connection and the like are ours. */
bool rl_resp_header_is_ours(rl_slice name);
/* 0, or RL_EINVALID where a name or value could split the head (CR, LF, NUL …), a header is ours, or the status is no
 * final one: then no byte may leave. */
int rl_resp_check(const rl_resp *resp);
/* The same of trailers. A name that the house knows means something in a head, so it is none for a trailer: framing,
 * routing, authentication and caching must not come late (RFC 9110 section 6.5.1; read.c drops them too). */
int rl_trailers_check(const rl_header *trailers, size_t count);

/* A plain-text answer of the server's own: "404: Not Found". The text is written to `room`, which outlives the call of
 * respond. */
rl_resp rl_resp_plain(int status, const char *text, char *room, size_t size);
/* The same for a request that was refused before it was one: "431: too many header lines". It ends the connection. */
rl_resp rl_resp_refusal(rl_fault fault, char *room, size_t size);

#endif
