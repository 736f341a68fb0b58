/* Short answers; see answer.h. */
#include "server/answer.h"

#include "http/status.h"

void rl_answer_text(rl_req *req, int status, const char *text, const rl_header *headers, size_t count) {
  char room[192];
  rl_resp resp = rl_resp_plain(status, text, room, sizeof room);
  if (rl_status_is_bodiless(status)) resp.content_type = RL_SLICE_NONE;
  resp.headers = headers;
  resp.header_count = count;
  req->ops->respond(req, &resp);
  req->ops->release(req);
}

void rl_answer_plain(rl_req *req, int status, const rl_header *headers, size_t count) {
  rl_answer_text(req, status, NULL, headers, count);
}
