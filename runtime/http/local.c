/* Exchanges in process; see local.h. */
#include "http/local.h"

#include <unistd.h>

#include "base/error.h"
#include "http/h1/read.h"

enum { PIECE = 64 << 10 };

static rl_local *local_of(rl_req *req) { return req->protocol; }

/* ---- request body ---------------------------------------------------------------------------------------------------- */

static void on_post(rl_post *post);
static void post_soon(rl_local *local) { rl_loop_post(local->loop, &local->post, on_post); }

static void refuse_body(rl_req *req) {
  req->body_done = true;
  req->body_fault = RL_FAULT_BODY_LARGE;
  if (req->events->on_body_end) req->events->on_body_end(req, RL_ETOOBIG);
}

/* As the reader of a connection has it: a length that was announced counts before a byte has come. */
static bool is_too_large(const rl_local *local) {
  const rl_req *req = local->req;
  uint64_t room = req->body_limit - (req->body_size < req->body_limit ? req->body_size : req->body_limit);
  return local->sent.len > room || (req->has_length && req->length > req->body_limit);
}

/* Hands over what waits, up to the limit that the request has. */
static void deliver(rl_local *local) {
  rl_req *req = local->req;
  if (!req || local->released || !local->flowing || req->body_done) return;
  if (is_too_large(local)) {
    refuse_body(req);
    return;
  }
  if (local->sent.len) {
    req->body_size += local->sent.len;
    rl_buf piece = local->sent; /* the handler may ask for more from inside */
    rl_buf_init(&local->sent, RL_BUF_NO_LIMIT);
    if (req->events->on_body) req->events->on_body(req, rl_buf_slice(&piece));
    rl_buf_free(&piece);
  }
  if (local->req != req || local->released || local->sent.len || !local->sent_all) return;
  req->body_done = true;
  if (req->events->on_body_end) req->events->on_body_end(req, RL_OK);
}

static void on_post(rl_post *post) {
  rl_local *local = RL_CONTAINER(post, rl_local, post);
  if (local->file_done) {
    local->file_done = false;
    if (local->req && !local->released && local->req->events->on_drain) local->req->events->on_drain(local->req);
  }
  deliver(local);
  if (local->flowing && !local->sent.len && !local->sent_all && local->events->on_flow) local->events->on_flow(local);
}

int rl_local_send(rl_local *local, rl_slice bytes, bool last) {
  int code = rl_buf_add_slice(&local->sent, bytes);
  if (code) return code;
  local->sent_all = last;
  post_soon(local);
  return RL_OK;
}

static void read_body(rl_req *req, bool flow) {
  rl_local *local = local_of(req);
  local->flowing = flow;
  if (flow) post_soon(local);
}

/* ---- response -------------------------------------------------------------------------------------------------------- */

static void changed(rl_local *local) {
  if (local->events->on_change) local->events->on_change(local);
}

/* The exchange is over for the handler: the request goes. */
static void maybe_free(rl_local *local) {
  if (!local->released || !(local->ended || local->aborted) || !local->req) return;
  rl_req *req = local->req;
  local->req = NULL;
  rl_req_free(req);
}

/* As a connection has it: no more than was announced. */
static int add_body(rl_local *local, rl_slice bytes) {
  const rl_framing *f = &local->framing;
  if (f->has_length && f->body && bytes.len > f->length - local->answered) return RL_ETOOBIG;
  local->answered += bytes.len;
  return local->framing.body ? rl_buf_add_slice(&local->received, bytes) : RL_OK;
}

static void end(rl_local *local) {
  local->ended = true;
  changed(local);
  maybe_free(local);
}

static int respond(rl_req *req, const rl_resp *resp) {
  rl_local *local = local_of(req);
  int code = req->responded ? RL_EINVALID : rl_resp_check(resp);
  if (code) return code;
  req->responded = true;
  local->framing = rl_resp_framing(req, resp);
  local->head_done = true;
  local->events->on_head(local, resp);
  code = add_body(local, resp->body);
  if (code) return code;
  if (resp->streamed) changed(local);
  else end(local);
  return RL_OK;
}

static int write_body(rl_req *req, rl_slice bytes) {
  rl_local *local = local_of(req);
  int code = add_body(local, bytes);
  if (code) return code;
  changed(local);
  local->handler_waits = local->received.len >= RL_LIMIT_WRITE_HIGH;
  return local->handler_waits ? RL_EAGAIN : RL_OK;
}

/* Reads ahead of whoever takes the body, within bounds; the handler hears when all of it was read. */
static int read_file(rl_local *local) {
  while (local->file_left && local->received.len < RL_LIMIT_WRITE_HIGH) {
    size_t size = local->file_left < PIECE ? (size_t)local->file_left : PIECE;
    if (rl_buf_reserve(&local->received, size)) return RL_ENOMEM;
    ssize_t n = pread(local->file, local->received.data + local->received.len, size, (off_t)local->file_at);
    if (n <= 0) return RL_EEOF;
    local->received.len += (size_t)n;
    local->file_at += (uint64_t)n;
    local->file_left -= (uint64_t)n;
  }
  changed(local);
  local->file_done = local->file_left == 0;
  if (local->file_done) post_soon(local);
  return RL_EAGAIN;
}

static int send_file(rl_req *req, int fd, uint64_t offset, uint64_t size) {
  rl_local *local = local_of(req);
  if (!local->framing.body || !size) return RL_OK;
  local->file = fd;
  local->sent_file = true;
  local->file_at = offset;
  local->file_left = size;
  return read_file(local);
}

static void abort_exchange(rl_req *req);

static int end_body(rl_req *req, const rl_header *trailers, size_t count) {
  rl_local *local = local_of(req);
  if (local->framing.body && local->framing.has_length && !local->sent_file &&
      local->answered < local->framing.length) {
    abort_exchange(req);
    return RL_EIO;
  }
  if (local->framing.chunked)
    for (size_t i = 0; i < count; i++) local->events->on_trailer(local, &trailers[i]);
  end(local);
  return RL_OK;
}

static void abort_exchange(rl_req *req) {
  rl_local *local = local_of(req);
  local->aborted = true;
  local->file_left = 0; /* its descriptor is about to be closed */
  changed(local);
}

static void release(rl_req *req) {
  rl_local *local = local_of(req);
  local->released = true;
  if (!local->ended) local->aborted = true;
  if (local->aborted) changed(local);
  maybe_free(local);
}

static const rl_req_ops ops = {.read_body = read_body,
                               .respond = respond,
                               .write = write_body,
                               .send_file = send_file,
                               .end = end_body,
                               .abort = abort_exchange,
                               .release = release};

void rl_local_taken(rl_local *local, size_t len) {
  rl_buf_consume(&local->received, len);
  if (local->file_left && read_file(local) != RL_EAGAIN) {
    local->aborted = true;
    changed(local);
  }
  if (!local->handler_waits || local->received.len >= RL_LIMIT_WRITE_HIGH) return;
  local->handler_waits = false;
  if (local->req && !local->released && local->req->events->on_drain) local->req->events->on_drain(local->req);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

/* The request of a head; NULL where it is refused. */
static rl_req *parse(rl_loop *loop, const rl_limits *limits, rl_slice head, rl_fault *fault) {
  rl_h1_reader reader;
  rl_h1_reader_init(&reader, limits, &loop->chunks);
  rl_h1_event event = rl_h1_next(&reader, &head);
  *fault = event == RL_H1_FAULT ? reader.fault : RL_FAULT_REQUEST_LINE;
  rl_req *req = event == RL_H1_HEAD ? reader.head : NULL;
  rl_h1_reader_free(&reader);
  return req;
}

/* Nobody has handled it, so all is over at once. */
static void answer_refusal(rl_local *local, rl_fault fault) {
  char room[128];
  rl_resp resp = rl_resp_refusal(fault, room, sizeof room);
  local->framing = (rl_framing){.body = true, .has_length = true, .length = resp.body.len};
  local->head_done = local->released = local->sent_all = true;
  local->events->on_head(local, &resp);
  local->aborted = rl_buf_add_slice(&local->received, resp.body) != RL_OK;
  end(local);
}

rl_fault rl_local_start(rl_local *local, rl_loop *loop, const rl_limits *limits, rl_slice head, bool secure,
                        void (*handle)(void *ud, rl_req *req), void *ud) {
  rl_fault fault;
  rl_req *req = parse(loop, limits, head, &fault);
  local->loop = loop;
  local->req = req;
  rl_buf_init(&local->sent, RL_BUF_NO_LIMIT);
  rl_buf_init(&local->received, RL_BUF_NO_LIMIT);
  rl_post_init(&local->post);
  if (!req) {
    answer_refusal(local, fault);
    return fault;
  }
  req->ops = &ops;
  req->protocol = local;
  req->secure = secure;
  req->remote = RL_SLICE("127.0.0.1");
  req->started_ms = rl_loop_now(loop);
  local->sent_all = req->body_done;
  handle(ud, req);
  return RL_FAULT_NONE;
}

void rl_local_free(rl_local *local) {
  rl_req *req = local->req;
  rl_loop_unpost(local->loop, &local->post);
  rl_buf_free(&local->sent);
  rl_buf_free(&local->received);
  local->req = NULL;
  if (!req) return;
  if (local->released) {
    rl_req_free(req);
    return;
  }
  req->ops = &rl_req_gone_ops;
  if (req->events && req->events->on_gone) req->events->on_gone(req, RL_EEOF);
}
