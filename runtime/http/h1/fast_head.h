/*
 * The fast path for request heads: cuts a usual one in a single pass.
 *
 *   GET /posts/7?q=1 HTTP/1.1 CRLF     a method of the table, a target that begins with a slash, HTTP/1.1 or 1.0,
 *   Host: example.org CRLF             fields without Transfer-Encoding, one Content-Length of digits at the most,
 *   CRLF                               nothing near a limit
 *
 * It decides nothing: whatever is unusual, incomplete or wrong is left to the head scanner (head.h) and llhttp, which find the
 * fault. What it cuts they would cut alike; ctests/fuzz/fuzz_h1.c compares the two, because a head that comes in pieces takes
 * the long way. Pure.
 */
#ifndef RL_HTTP_H1_FAST_HEAD_H
#define RL_HTTP_H1_FAST_HEAD_H

#include "http/request.h"

enum { RL_FAST_HEAD_FIELDS = 32 };

typedef struct rl_fast_head {
  size_t len; /* of the whole head, with its empty line */
  rl_method method;
  rl_slice method_name, target; /* these, and the fields, are borrowed from the input */
  rl_version version;
  size_t field_count;
  rl_header fields[RL_FAST_HEAD_FIELDS];
} rl_fast_head;

/* Returns true if `in` begins with a whole, usual head. */
bool rl_fast_head_cut(rl_slice in, const rl_limits *limits, rl_fast_head *head);

#endif
