/* The rules of one request and its answer; see exchange.h. */
#include "http/exchange.h"

#include "base/error.h"

static const rl_req_ops request_ops, gone_ops;

void rl_exchange_init(rl_exchange *x, const rl_exchange_ops *ops, rl_loop *loop, const rl_limits *limits) {
  *x = (rl_exchange){.ops = ops, .loop = loop, .limits = limits};
}

void rl_exchange_begin(rl_exchange *x, rl_req *req) {
  *x = (rl_exchange){.ops = x->ops, .loop = x->loop, .limits = x->limits, .req = req};
  x->message_done = req->body_done;
  x->continued = !req->expect_continue;
  req->ops = &request_ops;
  req->exchange = x;
  req->body_limit = x->limits->body;
  req->started_ms = rl_loop_now(x->loop);
}

rl_exchange_report rl_exchange_report_of(const rl_exchange *x) {
  return (rl_exchange_report){
      .status = x->status, .bytes = x->sent, .since_ms = x->req->started_ms, .fault = x->req->body_fault};
}

/* ---- the end ------------------------------------------------------------------------------------------------------------ */

/* The protocol cannot carry this exchange any more. Returns the request if its handler still holds it, else NULL. */
static rl_req *let_go(rl_exchange *x) {
  rl_req *req = x->req;
  x->ops->on_end(x);
  x->req = NULL;
  if (x->released) {
    rl_req_free(req);
    return NULL;
  }
  req->ops = &gone_ops;
  req->exchange = NULL;
  req->security = NULL;
  req->remote = rl_arena_copy(&req->arena, req->remote); /* the connection's, which ends before the request */
  return req;
}

void rl_exchange_finish(rl_exchange *x) { let_go(x); }

void rl_exchange_lose(rl_exchange *x, int code) {
  rl_req *req = x->req ? let_go(x) : NULL;
  if (req && req->events && req->events->on_gone) req->events->on_gone(req, code);
}

/* Bytes that were sent before still leave; a length that was not reached or an end that is missing tells the client that this is not
 * the whole. */
static void abort_exchange(rl_req *req) {
  rl_exchange *x = req->exchange;
  let_go(x);
  x->ops->break_off(x);
}

static void maybe_settle(rl_exchange *x) {
  if (rl_exchange_is_settled(x)) x->ops->settle(x);
}

/* ---- the request's body ------------------------------------------------------------------------------------------------- */

static uint64_t body_time(const rl_exchange *x) {
  return x->flowed_ms + (rl_exchange_flows(x) ? rl_loop_now(x->loop) - x->flowing_since : 0);
}

/* Called before `wants_body` or `drops_body` changes. */
static void count_body_time(rl_exchange *x) {
  x->flowed_ms = body_time(x);
  x->flowing_since = rl_loop_now(x->loop);
}

uint64_t rl_exchange_body_left_ms(const rl_exchange *x) {
  if (!x->limits->body_rate) return UINT64_MAX;
  uint64_t due = x->limits->body_grace_ms + x->req->body_size * 1000 / x->limits->body_rate, spent = body_time(x);
  return spent < due ? due - spent : 0;
}

/* A length beyond the limit is not worth a 100 Continue: the body fails as soon as it is read. After the head of the response a
 * 100 would be part of its body (RFC 9110 section 10.1.1). */
static void maybe_continue(rl_exchange *x) {
  if (x->continued || rl_req_is_too_long(x->req)) return;
  x->continued = true;
  if (!x->req->responded) x->ops->send_continue(x);
}

static void read_body(rl_req *req, bool flow) {
  rl_exchange *x = req->exchange;
  if (x->wants_body == flow || x->drops_body || rl_exchange_is_read(x)) return;
  count_body_time(x);
  x->wants_body = flow;
  if (flow) maybe_continue(x);
  x->ops->flow(x);
}

bool rl_exchange_take_body(rl_exchange *x, rl_slice piece) {
  rl_req *req = x->req;
  if (req->body_size > req->body_limit || piece.len > req->body_limit - req->body_size) {
    rl_exchange_fail_body(x, RL_FAULT_BODY_LARGE);
    return true;
  }
  req->body_size += piece.len;
  if (!x->wants_body) return false;
  if (req->events && req->events->on_body) req->events->on_body(req, piece);
  return true;
}

static void tell_body_end(rl_exchange *x, int code) {
  const rl_req_events *events = x->req->events;
  if (events && events->on_body_end) events->on_body_end(x->req, code);
}

void rl_exchange_end_body(rl_exchange *x) {
  bool tell = !x->req->body_done && !x->released && !x->drops_body;
  x->message_done = x->req->body_done = true;
  if (tell) tell_body_end(x, RL_OK);
}

static int code_of_fault(rl_fault fault) {
  if (fault == RL_FAULT_BODY_LARGE) return RL_ETOOBIG;
  if (fault == RL_FAULT_BODY_SLOW) return RL_ETIMEOUT;
  return fault == RL_FAULT_MEMORY ? RL_ENOMEM : RL_ESYNTAX;
}

void rl_exchange_fail_body(rl_exchange *x, rl_fault fault) {
  bool tell = !x->released && !x->drops_body;
  x->req->body_fault = (uint8_t)fault;
  rl_exchange_stop_body(x);
  if (tell) tell_body_end(x, code_of_fault(fault));
  else maybe_settle(x);
}

void rl_exchange_stop_body(rl_exchange *x) {
  x->body_failed = true;
  x->wants_body = x->drops_body = false;
  x->ops->flow(x);
}

void rl_exchange_drop_body(rl_exchange *x) {
  count_body_time(x);
  x->drops_body = true;
  x->wants_body = false;
  x->req->body_limit = UINT64_MAX;
  x->ops->drop_body(x);
}

/* ---- the response ------------------------------------------------------------------------------------------------------- */

static bool is_streaming(const rl_exchange *x) { return x->req->responded && !x->response_done; }

/* More than was announced would be read as the next response (RFC 9112 section 11.1). */
static bool is_too_much(const rl_exchange *x, uint64_t size) {
  return x->framing.has_length && size > x->framing.length - x->sent;
}

static int check_length(const rl_exchange *x, const rl_resp *resp) {
  const rl_framing *f = &x->framing;
  if (!f->body || !f->has_length) return RL_OK;
  return resp->streamed                ? resp->body.len > f->length ? RL_ETOOBIG : RL_OK
         : resp->body.len != f->length ? RL_EINVALID
                                       : RL_OK;
}

static int hint(rl_req *req, const rl_header *headers, size_t count) {
  rl_exchange *x = req->exchange;
  rl_resp early = {.status = 200, .headers = headers, .header_count = count};
  if (req->responded || rl_resp_check(&early)) return RL_EINVALID;
  bool knows =
      req->version >= RL_HTTP_1_1 && x->ops->send_hints; /* 1xx are no part of HTTP/1.0 (RFC 9110 section 15.2) */
  return knows ? x->ops->send_hints(x, headers, count) : RL_OK;
}

static int respond(rl_req *req, const rl_resp *resp) {
  rl_exchange *x = req->exchange;
  int code = req->responded ? RL_EINVALID : rl_resp_check(resp);
  if (code) return code;
  x->framing = rl_resp_framing(req, resp);
  code = check_length(x, resp);
  if (!code) code = x->ops->send_head(x, resp);
  if (code) return code;
  req->responded = true;
  x->status = resp->status;
  x->sent = x->framing.body ? resp->body.len : 0;
  x->response_done = !resp->streamed;
  if (x->response_done) maybe_settle(x);
  else if (resp->wants_no_body && !rl_exchange_is_read(x)) rl_exchange_drop_body(x);
  return RL_OK;
}

/* RL_OK and RL_EAGAIN are news for the handler; any other code ends the exchange. */
static int keep_going(rl_exchange *x, int code, uint64_t size) {
  if (!code || code == RL_EAGAIN) x->sent += size;
  else abort_exchange(x->req);
  return code;
}

static int write_body(rl_req *req, rl_slice bytes) {
  rl_exchange *x = req->exchange;
  if (!is_streaming(x)) return RL_EINVALID;
  if (!x->framing.body || !bytes.len) return RL_OK;
  if (is_too_much(x, bytes.len)) return RL_ETOOBIG;
  return keep_going(x, x->ops->send_body(x, bytes), bytes.len);
}

static int send_file(rl_req *req, int fd, uint64_t offset, uint64_t size) {
  rl_exchange *x = req->exchange;
  if (!is_streaming(x)) return RL_EINVALID;
  if (!x->framing.body || !size) return RL_OK;
  if (!x->framing.has_length || is_too_much(x, size)) return RL_ETOOBIG;
  return keep_going(x, x->ops->send_file(x, fd, offset, size), size);
}

/* Unsafe trailers are refused and nothing is sent; any other failure breaks the exchange off. */
static int end_body(rl_req *req, const rl_header *trailers, size_t count) {
  rl_exchange *x = req->exchange;
  if (!is_streaming(x)) return RL_EINVALID;
  if (rl_trailers_check(trailers, count)) return RL_EINVALID;
  bool is_short = x->framing.body && x->framing.has_length && x->sent < x->framing.length;
  int code = is_short ? RL_EIO : x->ops->send_end(x, trailers, count);
  if (code) {
    abort_exchange(req);
    return code;
  }
  x->response_done = true;
  maybe_settle(x);
  return RL_OK;
}

void rl_exchange_drained(rl_exchange *x) {
  rl_req *req = x->req;
  if (req && !x->released && req->events && req->events->on_drain) req->events->on_drain(req);
}

static int answer_plain(rl_req *req, int status) {
  char room[64];
  rl_resp resp = rl_resp_plain(status, NULL, room, sizeof room);
  resp.close = true;
  return respond(req, &resp);
}

/* A handler that never answered leaves a client waiting: that is a fault of ours, so 500. */
static void release(rl_req *req) {
  rl_exchange *x = req->exchange;
  x->released = true;
  if (req->responded && x->response_done) x->ops->settle(x);
  else if (req->responded || answer_plain(req, 500)) abort_exchange(req);
}

bool rl_exchange_cut(rl_exchange *x) {
  bool answered = x->req && !x->req->responded && !x->released && answer_plain(x->req, 503) == RL_OK;
  rl_exchange_lose(x, RL_ECANCELLED);
  return answered;
}

static const rl_req_ops request_ops = {.read_body = read_body,
                                       .hint = hint,
                                       .respond = respond,
                                       .write = write_body,
                                       .send_file = send_file,
                                       .end = end_body,
                                       .abort = abort_exchange,
                                       .release = release};

/* ---- without a protocol ------------------------------------------------------------------------------------------------- */

static void release_gone(rl_req *req) { rl_req_free(req); }
static void read_gone(rl_req *req, bool flow) { (void)req, (void)flow; }
static void abort_gone(rl_req *req) { (void)req; }
static int hint_gone(rl_req *req, const rl_header *h, size_t n) { return (void)req, (void)h, (void)n, RL_ERESET; }
static int respond_gone(rl_req *req, const rl_resp *resp) { return (void)req, (void)resp, RL_ERESET; }
static int write_gone(rl_req *req, rl_slice bytes) { return (void)req, (void)bytes, RL_ERESET; }
static int send_file_gone(rl_req *req, int fd, uint64_t offset, uint64_t size) {
  return (void)req, (void)fd, (void)offset, (void)size, RL_ERESET;
}
static int end_gone(rl_req *req, const rl_header *t, size_t n) { return (void)req, (void)t, (void)n, RL_ERESET; }

static const rl_req_ops gone_ops = {.read_body = read_gone,
                                    .hint = hint_gone,
                                    .respond = respond_gone,
                                    .write = write_gone,
                                    .send_file = send_file_gone,
                                    .end = end_gone,
                                    .abort = abort_gone,
                                    .release = release_gone};
