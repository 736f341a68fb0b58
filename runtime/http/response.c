/* How a response is framed, and what may stand in it; see response.h. */
#include "http/response.h"

#include <stdio.h>

#include "base/error.h"
#include "http/status.h"

/* 205 has no content either, but unlike that of 204 its end is not implied: it says a length of 0 (RFC 9110 15.3.6). */
rl_framing rl_resp_framing(const rl_req *req, const rl_resp *resp) {
  rl_framing f = {0};
  bool bodiless = rl_status_is_bodiless(resp->status), empty = resp->status == 205;
  bool known = !resp->streamed || resp->has_length || empty;
  f.body = !bodiless && !empty && req->method != RL_METHOD_HEAD;
  f.length = empty ? 0 : resp->streamed || resp->has_length ? resp->length : resp->body.len;
  f.has_length = known && !bodiless;
  return f;
}

bool rl_resp_header_is_ours(rl_slice name) {
  switch (rl_header_id_of(name)) {
    case RL_HEADER_CONTENT_LENGTH:
    case RL_HEADER_TRANSFER_ENCODING:
    case RL_HEADER_CONNECTION:
    case RL_HEADER_KEEP_ALIVE:
    case RL_HEADER_UPGRADE:
    case RL_HEADER_TRAILER:
    case RL_HEADER_TE: return true;
    default: return false;
  }
}

static bool is_safe(const rl_header *h) { return rl_header_name_is_safe(h->name) && rl_header_value_is_safe(h->value); }

int rl_resp_check(const rl_resp *resp) {
  if (resp->status < 200 || resp->status > 599) return RL_EINVALID;
  if (!rl_header_value_is_safe(resp->content_type)) return RL_EINVALID;
  for (size_t i = 0; i < resp->header_count; i++)
    if (!is_safe(&resp->headers[i]) || rl_resp_header_is_ours(resp->headers[i].name)) return RL_EINVALID;
  return RL_OK;
}

int rl_trailers_check(const rl_header *trailers, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!is_safe(&trailers[i]) || rl_header_id_of(trailers[i].name) != RL_HEADER_OTHER) return RL_EINVALID;
  return RL_OK;
}

rl_resp rl_resp_plain(int status, const char *text, char *room, size_t size) {
  int n = snprintf(room, size, "%d: %s\n", status, text && *text ? text : rl_status_text(status));
  size_t len = n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
  return (rl_resp){.status = status, .content_type = RL_SLICE("text/plain; charset=utf-8"), .body = {room, len}};
}

rl_resp rl_resp_refusal(rl_fault fault, char *room, size_t size) {
  rl_resp resp = rl_resp_plain(rl_fault_status(fault), rl_fault_text(fault), room, size);
  resp.close = true;
  return resp;
}
