/*
 * The head of a response: bytes as they come off curl, cut into fields when the empty line has come.
 *
 *   bytes   HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n …        one block, at most RL_LIMIT_RESPONSE_HEAD
 *                             ^name       ^value                    fields: offsets into it
 *
 * It is fed line by line, by curl or by our own reader (http/h1/response_reader.h). What is refused here: names that are no tokens, control
 * bytes in values (CVE-2026-34520), more lines or bytes than the limits. A folded line joins the one before it by a space
 * (RFC 9112 section 5.2). Each status line begins a new head, so that of several (100, then 200) the last one stands.
 */
#ifndef RL_HTTP_H1_RESPONSE_HEAD_H
#define RL_HTTP_H1_RESPONSE_HEAD_H

#include <stdint.h>

#include "base/buf.h"

typedef struct rl_response_head_field {
  uint32_t name, name_len, value, value_len; /* into the block */
} rl_response_head_field;

typedef struct rl_response_head {
  rl_buf block;
  rl_response_head_field *fields;
  size_t count, cap;
  int status;
  char version[4]; /* "1.0", "1.1", "2" */
  bool complete;   /* the empty line has come */
  bool dropped;    /* the line before was a cookie that is ignored, and so is what is folded into it */
} rl_response_head;

void rl_response_head_init(rl_response_head *head);
void rl_response_head_free(rl_response_head *head);
/* A line, with its end or without, borrowed: the status line, which forgets what was there; and each of the others, the
 * empty one too. 0, RL_ETOOBIG, RL_EPROTOCOL or RL_ENOMEM. */
int rl_response_head_begin(rl_response_head *head, rl_slice line);
int rl_response_head_add(rl_response_head *head, rl_slice line);
/* Returns true if a line begins a head ("HTTP/…"). */
bool rl_response_head_is_status_line(rl_slice line);

static inline rl_slice rl_response_head_name(const rl_response_head *head, size_t i) {
  return rl_slice_of(head->block.data + head->fields[i].name, head->fields[i].name_len);
}
static inline rl_slice rl_response_head_value(const rl_response_head *head, size_t i) {
  return rl_slice_of(head->block.data + head->fields[i].value, head->fields[i].value_len);
}
/* The first value of a name, in any case; .data is NULL where there is none. */
rl_slice rl_response_head_find(const rl_response_head *head, rl_slice name);

/* NULL, or what is wrong with a complete head where the request did not ask for another protocol (RFC 9110 section 15.2.2), a
 * static line: what follows a 101 is not HTTP. */
const char *rl_response_head_switches(const rl_response_head *head, bool asked);

/* Tells how the body after a complete head of HTTP/1 is framed (RFC 9112 section 6.3): in chunks; or by `length`, -1 where there
 * is none and it ends with the connection. NULL, or what is wrong, a static line: lengths that are none or differ, a coding
 * other than chunked, both. Two readers that frame one response differently have read two responses. */
const char *rl_response_head_framing(const rl_response_head *head, bool *chunked, int64_t *length);

#endif
