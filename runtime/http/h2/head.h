/*
 * The head of an HTTP/2 request: decoded fields in, one by one, a checked rl_req out (RFC 9113 section 8.3).
 *
 *   :method :path :authority :scheme   cookie: a=1   cookie: b=2   x: y
 *        |      |        |                   \_______/               |
 *     method  target  host field         one cookie field         as it is
 *
 * Every field counts with 32 bytes more than its name and value have (RFC 9113 section 6.5.2), each cookie crumb too, before anything
 * of it is kept: a field that costs the client one byte of HPACK costs at least that much of the limit (CVE-2026-49975,
 * CVE-2016-1544). Beyond a limit nothing more is kept and the request is answered with what is wrong; far beyond it the connection
 * ends (rl_h2_head_is_bomb).
 *
 * nghttp2 has checked what RFC 9113 calls malformed before: names in lower case, no fields of the connection, pseudo fields
 * once and first, characters. What holds for every protocol is checked by rl_req_check.
 */
#ifndef RL_HTTP_H2_HEAD_H
#define RL_HTTP_H2_HEAD_H

#include "http/request.h"

typedef struct rl_h2_head {
  rl_req *req; /* under way; its arena holds all that was kept */
  rl_header *fields;
  uint32_t count, room;
  uint32_t seen;    /* fields so far, kept or not */
  uint32_t cookies; /* of them, crumbs of cookies */
  size_t size;      /* bytes that count: names, values and 32 for each */
  rl_slice authority;
  rl_fault fault; /* the first that was found */
} rl_h2_head;

/* Starts the head of `req`. */
void rl_h2_head_init(rl_h2_head *head, rl_req *req);
/* Adds a field; copies it into the request's arena. */
void rl_h2_head_add(rl_h2_head *head, const rl_limits *limits, rl_slice name, rl_slice value);
/* Returns true if so many fields have come that nobody could have meant them. */
bool rl_h2_head_is_bomb(const rl_h2_head *head, const rl_limits *limits);
/* Fills in the request. `ended`: no body follows. RL_FAULT_NONE or what is wrong with it. */
rl_fault rl_h2_head_finish(rl_h2_head *head, bool ended);
/* Makes the fields the trailers of the request: only those whose names mean nothing in a head. RL_FAULT_NONE or what is wrong. */
rl_fault rl_h2_head_finish_trailers(rl_h2_head *head);

#endif
