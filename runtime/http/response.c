/* How a response is framed, and what may stand in it; see response.h. */
#include "http/response.h"

#include <stdio.h>

#include "base/error.h"
#include "http/status.h"

rl_framing rl_resp_framing(const rl_req *req, const rl_resp *resp) {
  rl_framing f = {0};
  bool bodiless = rl_status_is_bodiless(resp->status);
  bool known = !resp->streamed || resp->has_length;
  f.body = !bodiless && req->method != RL_METHOD_HEAD;
  f.length = resp->streamed ? resp->length : resp->body.len;
  f.has_length = known && !bodiless;
  if (!f.body || known) return f;
  f.chunked = req->minor >= 1;
  f.until_close = !f.chunked;
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

int rl_resp_check(const rl_resp *resp) {
  if (!rl_header_value_is_safe(resp->content_type)) return RL_EINVALID;
  for (size_t i = 0; i < resp->header_count; i++)
    if (!rl_header_name_is_safe(resp->headers[i].name) || !rl_header_value_is_safe(resp->headers[i].value))
      return RL_EINVALID;
  return RL_OK;
}

rl_resp rl_resp_plain(int status, const char *text, char *room, size_t size) {
  int n = snprintf(room, size, "%d: %s\n", status, text && *text ? text : rl_status_text(status));
  size_t len = n < 0 ? 0 : (size_t)n < size ? (size_t)n : size - 1;
  return (rl_resp){.status = status, .content_type = RL_SLICE("text/plain; charset=utf-8"), .body = {room, len}};
}
