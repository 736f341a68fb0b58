/* Static directories without Lua; see static_serve.h. */
#include "server/static_serve.h"

#include "server/dispatch.h"

typedef struct serving {
  rl_file_send send;
  rl_req *req;
} serving;

static void on_done(rl_file_send *send, int code) {
  rl_req *req = ((serving *)send->owner)->req;
  if (code && !req->responded) rl_answer_plain(req, 500, NULL, 0);
  else req->ops->release(req);
}

/* One leading slash: "//host/dir" would lead to another host. */
rl_slice rl_static_location(rl_req *req) {
  rl_slice path = req->raw_path;
  while (path.len > 1 && path.data[1] == '/') path.data++, path.len--;
  char *at = rl_arena_alloc(&req->arena, path.len + req->query.len + 2);
  if (!at) return RL_SLICE_NONE;
  memcpy(at, path.data, path.len);
  size_t len = path.len;
  at[len++] = '/';
  if (req->query.len) {
    at[len++] = '?';
    memcpy(at + len, req->query.data, req->query.len);
    len += req->query.len;
  }
  return rl_slice_of(at, len);
}

static void redirect(rl_req *req) {
  rl_header location = {.name = RL_SLICE("Location"), .value = rl_static_location(req), .id = RL_HEADER_LOCATION};
  rl_answer_plain(req, location.value.data ? 308 : 503, &location, location.value.data ? 1 : 0);
}

static void send_listing(rl_req *req, rl_buf *page) {
  rl_resp resp = {.status = 200, .content_type = RL_SLICE("text/html; charset=utf-8"), .body = rl_buf_slice(page)};
  req->ops->respond(req, &resp);
  rl_buf_free(page);
  req->ops->release(req);
}

void rl_static_serve(rl_static *site, rl_req *req, rl_slice path) {
  rl_static_answer answer;
  rl_static_find(site, req, path, &answer);
  if (answer.listing.data) {
    send_listing(req, &answer.listing);
  } else if (answer.status == 308) {
    redirect(req);
  } else if (answer.status != 200) {
    rl_answer_plain(req, answer.status, NULL, 0);
  } else {
    serving *s = rl_arena_alloc(&req->arena, sizeof *s);
    if (!s) {
      rl_file_close(&answer.file);
      rl_answer_plain(req, 503, NULL, 0);
      return;
    }
    s->req = req;
    s->send.owner = s;
    s->send.on_done = on_done;
    rl_file_send_start(&s->send, req, &answer.file, &answer.options);
  }
}
