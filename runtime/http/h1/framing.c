/* Content-Length, Transfer-Encoding and Connection; see framing.h. Pure. */
#include "http/h1/framing.h"

/* What all lines together say. */
typedef struct seen {
  unsigned lengths, codings; /* lines of each */
  rl_slice length;           /* the last of them */
  unsigned chunked, others;  /* codings named */
  bool ends_chunked;
  bool close, keep_alive;
} seen;

static void note_codings(seen *s, const rl_req *req) {
  rl_field_list list = rl_req_list(req, RL_HEADER_TRANSFER_ENCODING);
  rl_slice element;
  while (rl_field_list_next(&list, &element)) {
    s->ends_chunked = rl_slice_eq_nocase(element, RL_SLICE("chunked"));
    if (s->ends_chunked) s->chunked++;
    else s->others++;
  }
}

/* Only `chunked` alone is ours. Others before one last `chunked` are known and not implemented; all else leaves it open where
 * the body ends (RFC 9112 section 6.3). */
static rl_fault check_coding(const rl_req *req, const seen *s) {
  if (s->lengths) return RL_FAULT_LENGTH_AND_CODING;
  if (req->version < RL_HTTP_1_1 || s->chunked != 1 || !s->ends_chunked) return RL_FAULT_CODING;
  if (s->others) return RL_FAULT_CODING_UNKNOWN;
  return s->codings > 1 ? RL_FAULT_CODING : RL_FAULT_NONE; /* a second line, though there is nothing in it */
}

static rl_fault check_length(rl_req *req, const seen *s) {
  unsigned long long length = 0;
  if (s->lengths > 1 || rl_slice_to_u64(s->length, &length)) return RL_FAULT_LENGTH;
  req->length = length;
  return RL_FAULT_NONE;
}

static void note_connection(seen *s, rl_slice value) {
  rl_field_list list = rl_field_list_text(value);
  rl_slice token;
  while (rl_field_list_next(&list, &token)) {
    if (rl_slice_eq_nocase(token, RL_SLICE("close"))) s->close = true;
    else if (rl_slice_eq_nocase(token, RL_SLICE("keep-alive"))) s->keep_alive = true;
  }
}

static void note_field(seen *s, const rl_header *h) {
  switch (h->id) {
    case RL_HEADER_CONTENT_LENGTH: s->lengths++, s->length = h->value; break;
    case RL_HEADER_TRANSFER_ENCODING: s->codings++; break;
    case RL_HEADER_CONNECTION: note_connection(s, h->value); break;
    default: break;
  }
}

/* `close` wins over keep-alive, in whichever line (RFC 9112 section 9.3). */
rl_fault rl_h1_check_framing(rl_req *req, rl_h1_message *message) {
  seen s = {.keep_alive = req->version >= RL_HTTP_1_1};
  for (size_t i = 0; i < req->header_count; i++) note_field(&s, &req->headers[i]);
  if (s.codings) note_codings(&s, req);
  rl_fault fault = s.codings ? check_coding(req, &s) : s.lengths ? check_length(req, &s) : RL_FAULT_NONE;
  message->chunked = s.codings > 0;
  message->keep_alive = s.keep_alive && !s.close;
  req->has_length = !message->chunked;
  req->body_done = req->has_length && !req->length;
  return fault;
}

rl_h1_framing rl_h1_framing_of(const rl_framing *framing, rl_version version) {
  bool unknown = framing->body && !framing->has_length;
  return (rl_h1_framing){.has_length = framing->has_length,
                         .length = framing->length,
                         .chunked = unknown && version >= RL_HTTP_1_1,
                         .until_close = unknown && version < RL_HTTP_1_1};
}
