/* HTTP/1 on a connection; see h1.h for the picture. */
#include "http/h1/h1.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h1/write.h"
#include "http/status.h"
#include "loop/stop.h"

enum { PENDING_LIMIT = RL_LIMIT_READ_BUFFER };

static rl_h1 *h1_of(rl_conn *conn) { return conn->protocol_state; }
static rl_loop *loop_of(rl_h1 *h1) { return h1->conn->host->loop; }
static const rl_limits *limits_of(rl_h1 *h1) { return &h1->conn->host->limits; }

static void on_resume(rl_post *post);
/* Parsing goes on by itself while it is under way. */
static void resume_soon(rl_h1 *h1) {
  if (!h1->parsing && h1->conn->state == RL_CONN_OPEN) rl_loop_post(loop_of(h1), &h1->resume, on_resume);
}

static const rl_req_ops request_ops;

/* ---- the clock: one at a time, by what is being waited for --------------------------------------------------------- */

static bool body_flows(const rl_h1 *h1) { return h1->wants_body || h1->dropping; }
/* Nothing more of the message is expected: it is complete, or never will be. */
static bool message_is_over(const rl_h1 *h1) { return h1->message_done || h1->body_failed; }

/* How long the body has been wanted. */
static uint64_t body_time(const rl_h1 *h1) {
  return h1->body_clock_ms + (body_flows(h1) ? rl_loop_now(h1->conn->host->loop) - h1->flowing_since : 0);
}

static void count_body_time(rl_h1 *h1) {
  h1->body_clock_ms = body_time(h1);
  h1->flowing_since = rl_loop_now(loop_of(h1));
}

/* The body's minimum rate: how long what has come so far may have taken. */
static uint64_t body_due(rl_h1 *h1) {
  const rl_limits *limits = limits_of(h1);
  if (!limits->body_rate) return UINT64_MAX;
  return limits->body_grace_ms + h1->req->body_size * 1000 / limits->body_rate;
}

static uint64_t between_requests(const rl_h1 *h1, const rl_limits *limits) {
  if (h1->conn->stopping) return RL_LIMIT_STOP_IDLE_MS;
  return h1->served ? limits->keep_alive_ms : limits->head_ms;
}

static uint64_t until(const rl_h1 *h1, uint64_t moment_ms) {
  uint64_t now = rl_loop_now(h1->conn->host->loop);
  return now < moment_ms ? moment_ms - now : 1;
}

static uint64_t during_request(rl_h1 *h1) {
  if (message_is_over(h1)) return h1->conn->eof ? RL_LIMIT_HALF_CLOSE_MS : 0;
  if (!body_flows(h1)) return 0;
  uint64_t due = body_due(h1), spent = body_time(h1), left = spent < due ? due - spent : 1;
  uint64_t most = h1->dropping ? until(h1, h1->drop_until_ms) : UINT64_MAX;
  return left < most ? left : most;
}

static void set_clock(rl_h1 *h1) {
  rl_conn *conn = h1->conn;
  h1->clock_due = h1->parsing;
  if (h1->parsing || conn->state != RL_CONN_OPEN) return;
  h1->head_timed = !h1->req && !rl_h1_is_idle(&h1->reader);
  if (h1->req) rl_conn_clock(conn, during_request(h1));
  else rl_conn_clock(conn, h1->head_timed ? limits_of(h1)->head_ms : between_requests(h1, limits_of(h1)));
}

/* ---- the end of an exchange ------------------------------------------------------------------------------------------ */

static void report(rl_h1 *h1, rl_req *req, int status, rl_fault fault) {
  const rl_conn_events *events = h1->conn->host->events;
  if (!events->on_exchange) return;
  rl_exchange_report how = {.status = status, .bytes = h1->sent, .fault = fault};
  how.since_ms = req ? req->started_ms : rl_loop_now(loop_of(h1));
  events->on_exchange(h1->conn, req, &how);
}

/* The connection cannot carry this exchange any more. The handler keeps the request until it releases it, and a file that
 * was being sent is its own again; returned is who should hear of it, or NULL. */
static rl_req *detach_request(rl_h1 *h1) {
  rl_req *req = h1->req;
  if (!req) return NULL;
  h1->req = h1->reader.req = NULL;
  rl_conn_drop_file(h1->conn);
  report(h1, req, h1->status, req->body_fault);
  if (h1->released) {
    rl_req_free(req);
    return NULL;
  }
  req->ops = &rl_req_gone_ops;
  req->protocol = NULL;
  return req;
}

static void lose_request(rl_h1 *h1, int code) {
  rl_req *req = detach_request(h1);
  if (req && req->events && req->events->on_gone) req->events->on_gone(req, code);
}

/* What may still arrive behind the last answer. */
static rl_linger linger_of(const rl_h1 *h1) {
  if (h1->dropped_enough) return RL_LINGER_NONE;
  return h1->message_done ? RL_LINGER_BRIEFLY : RL_LINGER_FULLY;
}

/* Both sides have finished with the exchange: on to the next one, or to the end of the connection. */
static void end_exchange(rl_h1 *h1) {
  rl_req *req = h1->req;
  h1->req = h1->reader.req = NULL;
  report(h1, req, h1->status, req->body_fault);
  rl_req_free(req);
  if (h1->last || h1->conn->stopping) {
    h1->conn->lingered = h1->dropped;
    rl_conn_finish(h1->conn, linger_of(h1));
    return;
  }
  set_clock(h1);
  resume_soon(h1);
}

/* What is left of the body is read and dropped, in bounds: so that the connection can go on behind it, and because a client
 * that sends all before it reads would never see the answer. */
static void drop_body(rl_h1 *h1) {
  count_body_time(h1);
  h1->dropping = true;
  h1->drop_until_ms = rl_loop_now(loop_of(h1)) + limits_of(h1)->linger_ms;
  h1->req->body_limit = UINT64_MAX;
  set_clock(h1);
  resume_soon(h1);
}

/* Called when one of the conditions has become true. */
static void maybe_end(rl_h1 *h1) {
  if (!h1->req || !h1->response_done || !h1->released) return;
  if (h1->message_done || h1->last) end_exchange(h1);
  else if (!h1->dropping) drop_body(h1);
}

static void decide_reading(rl_h1 *h1);

/* It takes too long or is too much to be worth the connection. */
static void stop_dropping(rl_h1 *h1) {
  h1->last = h1->body_failed = h1->dropped_enough = true;
  h1->dropping = false;
  set_clock(h1);
  decide_reading(h1);
  maybe_end(h1);
}

/* ---- answers of the protocol itself ----------------------------------------------------------------------------------- */

/* The request was refused before it was one: a short answer that echoes nothing, and the end of the connection. */
static void refuse(rl_h1 *h1, rl_fault fault) {
  char room[128];
  rl_resp resp = rl_resp_refusal(fault, room, sizeof room);
  rl_framing framing = {.body = true, .has_length = true, .length = resp.body.len};
  rl_buf *out = rl_conn_out(h1->conn);
  rl_h1_write_head(out, &resp, &framing, rl_loop_date(loop_of(h1)), true, false);
  rl_buf_add_slice(out, resp.body);
  h1->sent = resp.body.len;
  report(h1, NULL, resp.status, fault);
  rl_conn_finish(h1->conn, RL_LINGER_FULLY);
}

static int code_of_fault(rl_fault fault) {
  if (fault == RL_FAULT_BODY_LARGE) return RL_ETOOBIG;
  if (fault == RL_FAULT_BODY_SLOW) return RL_ETIMEOUT;
  return fault == RL_FAULT_MEMORY ? RL_ENOMEM : RL_ESYNTAX;
}

/* The body will never be complete: the handler hears why and answers; nothing more is read. */
static void fail_body(rl_h1 *h1, rl_fault fault) {
  rl_req *req = h1->req;
  req->body_fault = (uint8_t)fault;
  h1->last = h1->body_failed = true;
  h1->wants_body = h1->dropping = false;
  set_clock(h1);
  if (h1->released) maybe_end(h1);
  else if (req->events && req->events->on_body_end) req->events->on_body_end(req, code_of_fault(fault));
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static void begin_request(rl_h1 *h1) {
  rl_req *req = h1->reader.head;
  rl_conn *conn = h1->conn;
  h1->req = req;
  req->ops = &request_ops;
  req->protocol = h1;
  req->remote = conn->peer;
  req->secure = conn->secure;
  req->body_limit = limits_of(h1)->body;
  req->started_ms = rl_loop_now(loop_of(h1));
  h1->served++;
  h1->wants_body = h1->dropping = h1->dropped_enough = h1->body_failed = false;
  h1->response_done = h1->released = false;
  h1->message_done = req->body_done;
  h1->continued = !req->expect_continue;
  h1->last = !req->keep_alive || h1->served >= limits_of(h1)->requests || conn->stopping;
  h1->status = 0;
  h1->sent = h1->dropped = h1->body_clock_ms = 0;
  set_clock(h1);
  conn->host->events->handle(conn, req);
}

static void deliver_body(rl_h1 *h1) {
  rl_req *req = h1->req;
  rl_slice piece = h1->reader.piece;
  req->body_size += piece.len;
  if (h1->dropping || !h1->wants_body) {
    h1->dropped += piece.len;
    if (h1->dropped > limits_of(h1)->linger_size) stop_dropping(h1);
    return;
  }
  if (req->events && req->events->on_body) req->events->on_body(req, piece);
}

static void end_message(rl_h1 *h1) {
  rl_req *req = h1->req;
  bool had_body = !req->body_done;
  h1->message_done = req->body_done = true;
  if (had_body) set_clock(h1);
  bool tell = had_body && !h1->released && !h1->dropping;
  if (tell && req->events && req->events->on_body_end) req->events->on_body_end(req, RL_OK);
  maybe_end(h1);
}

/* Whether the next byte may be parsed: between requests, unless the peer does not take its answers; within one while
 * somebody wants the body or drops it. */
static bool may_parse(const rl_h1 *h1) {
  if (h1->conn->state != RL_CONN_OPEN) return false;
  if (!h1->req) return rl_conn_queued(h1->conn) <= RL_LIMIT_WRITE_HIGH;
  return !message_is_over(h1) && body_flows(h1);
}

/* One event; false where the input is used up. */
static bool step(rl_h1 *h1, rl_slice *in) {
  switch (rl_h1_next(&h1->reader, in)) {
    case RL_H1_HEAD: begin_request(h1); return true;
    case RL_H1_BODY: deliver_body(h1); return true;
    case RL_H1_END: end_message(h1); return true;
    case RL_H1_FAULT:
      if (h1->req) fail_body(h1, h1->reader.fault);
      else refuse(h1, h1->reader.fault);
      return false;
    case RL_H1_MORE: break;
  }
  return false;
}

/* Parses what it may of `in`. A connection that pipelines more than its share goes on in the next turn, one whose answers
 * pile up when they have left. */
static void parse(rl_h1 *h1, rl_slice *in) {
  uint64_t most = h1->served + (uint64_t)limits_of(h1)->pipelined;
  bool more = true;
  h1->parsing = true;
  while (more && may_parse(h1) && (in->len || rl_h1_has_news(&h1->reader)))
    more = (h1->req || h1->served < most) && step(h1, in);
  h1->parsing = false;
  if (h1->req) return;
  if (rl_conn_queued(h1->conn) > RL_LIMIT_WRITE_HIGH) h1->conn->wants_drained = true;
  else if (in->len) resume_soon(h1);
}

static bool keep_pending(rl_h1 *h1, rl_slice rest) {
  if (h1->conn->state != RL_CONN_OPEN || rl_buf_add_slice(&h1->pending, rest) == 0) return true;
  lose_request(h1, RL_ENOMEM);
  rl_conn_close(h1->conn, true);
  return false;
}

static void parse_pending(rl_h1 *h1) {
  rl_slice in = rl_buf_slice(&h1->pending);
  parse(h1, &in);
  rl_buf_consume(&h1->pending, h1->pending.len - in.len);
  if (!h1->pending.len) rl_buf_free(&h1->pending);
}

/* The socket is read while what arrives can be parsed, or can wait in bounds. */
static void decide_reading(rl_h1 *h1) {
  if (h1->conn->state != RL_CONN_OPEN) return;
  bool unwanted = h1->req && !h1->message_done && !body_flows(h1);
  rl_conn_read(h1->conn, !unwanted && h1->pending.len < PENDING_LIMIT);
}

static void handle_eof(rl_h1 *h1);

static void after_parsing(rl_h1 *h1) {
  bool head_begins = !h1->req && !h1->head_timed && !rl_h1_is_idle(&h1->reader);
  if (h1->clock_due || head_begins) set_clock(h1);
  decide_reading(h1);
}

static void on_data(rl_conn *conn, rl_slice bytes) {
  rl_h1 *h1 = h1_of(conn);
  if (h1->pending.len) {
    if (!keep_pending(h1, bytes)) return;
    parse_pending(h1);
  } else {
    parse(h1, &bytes);
    if (bytes.len && !keep_pending(h1, bytes)) return;
  }
  after_parsing(h1);
}

static void on_resume(rl_post *post) {
  rl_h1 *h1 = RL_CONTAINER(post, rl_h1, resume);
  rl_conn *conn = h1->conn;
  if (conn->state != RL_CONN_OPEN) return;
  rl_conn_cork(conn);
  parse_pending(h1);
  rl_conn_uncork(conn);
  after_parsing(h1);
  if (conn->eof) handle_eof(h1);
}

/* ---- what the handler asks --------------------------------------------------------------------------------------------- */

static rl_h1 *of_req(rl_req *req) { return req->protocol; }

/* Behind the head of the answer it would be part of its body. */
static void say_continue(rl_h1 *h1) {
  h1->continued = true;
  if (h1->req->responded) return;
  rl_buf_add_str(rl_conn_out(h1->conn), "HTTP/1.1 100 Continue\r\n\r\n");
  rl_conn_flush_soon(h1->conn);
}

static void read_body(rl_req *req, bool flow) {
  rl_h1 *h1 = of_req(req);
  if (h1->wants_body == flow || message_is_over(h1)) return;
  count_body_time(h1);
  h1->wants_body = flow;
  if (flow && !h1->continued && !rl_h1_has_news(&h1->reader)) say_continue(h1); /* news: it is too long */
  set_clock(h1);
  if (flow) resume_soon(h1);
  else decide_reading(h1);
}

/* Whether this answer must be the connection's last: asked for, stopping, or a body so large that it is not worth reading
 * only to keep the connection. An Expect that was never met leaves us ignorant of what comes next (RFC 9110 10.1.1). */
static bool is_last(const rl_h1 *h1, const rl_resp *resp) {
  const rl_req *req = h1->req;
  if (h1->last || resp->close || h1->framing.until_close || h1->conn->stopping) return true;
  if (rl_stop_asked())
    return true; /* of a handler that computed until it was told: the loop has not seen the signal yet */
  if (h1->message_done) return false;
  return !h1->continued || (req->has_length && req->length - req->body_size > RL_LIMIT_DRAIN);
}

static void end_response(rl_h1 *h1) {
  h1->response_done = true;
  h1->conn->unfinished = false;
  rl_conn_flush_soon(h1->conn);
  maybe_end(h1);
}

static int add_body(rl_h1 *h1, rl_slice bytes) {
  if (!h1->framing.body || !bytes.len) return RL_OK;
  h1->sent += bytes.len;
  rl_buf *out = rl_conn_out(h1->conn);
  return h1->framing.chunked ? rl_h1_write_chunk(out, bytes) : rl_buf_add_slice(out, bytes);
}

/* All or nothing: a response that cannot be written leaves no trace, so that another may be tried. */
static int respond(rl_req *req, const rl_resp *resp) {
  rl_h1 *h1 = of_req(req);
  if (req->responded) return RL_EINVALID;
  rl_buf *out = rl_conn_out(h1->conn);
  size_t mark = out->len;
  h1->framing = rl_resp_framing(req, resp);
  bool last = is_last(h1, resp), say_keep = !last && req->minor == 0;
  int code = rl_h1_write_head(out, resp, &h1->framing, rl_loop_date(loop_of(h1)), last, say_keep);
  if (!code) code = add_body(h1, resp->body);
  if (code) {
    out->len = mark;
    out->error = 0;
    h1->sent = 0;
    return code;
  }
  req->responded = true;
  h1->last = last;
  h1->status = resp->status;
  h1->conn->unfinished = h1->framing.until_close;
  if (!resp->streamed) {
    end_response(h1);
    return RL_OK;
  }
  if (resp->wants_no_body && !message_is_over(h1)) drop_body(h1);
  rl_conn_flush_soon(h1->conn);
  return RL_OK;
}

/* The handler breaks off, or a piece of its answer is lost. What was said before still leaves, then the connection ends:
 * a length that was not reached, a last chunk that is missing or a reset tells the client that this is not the whole. */
static void abort_exchange(rl_req *req) {
  rl_h1 *h1 = of_req(req);
  detach_request(h1);
  rl_conn_finish(h1->conn, linger_of(h1));
}

static bool is_streaming(const rl_h1 *h1) { return h1->req->responded && !h1->response_done; }

/* More than was promised would be read as the next response: what is over is refused (RFC 9112 section 11.1). */
static int write_body(rl_req *req, rl_slice bytes) {
  rl_h1 *h1 = of_req(req);
  if (!is_streaming(h1)) return RL_EINVALID;
  if (h1->framing.has_length && bytes.len > h1->framing.length - h1->sent && h1->framing.body) return RL_ETOOBIG;
  int code = add_body(h1, bytes);
  if (code) {
    abort_exchange(req);
    return code;
  }
  rl_conn_flush_soon(h1->conn);
  if (rl_conn_queued(h1->conn) < RL_LIMIT_WRITE_HIGH) return RL_OK;
  h1->conn->wants_drained = true;
  return RL_EAGAIN;
}

static int send_file(rl_req *req, int fd, uint64_t offset, uint64_t size) {
  rl_h1 *h1 = of_req(req);
  if (!is_streaming(h1)) return RL_EINVALID;
  if (!h1->framing.body || !size) return RL_OK;
  if (!h1->framing.has_length || size > h1->framing.length - h1->sent) return RL_ETOOBIG;
  h1->sent += size;
  rl_conn_send_file(h1->conn, fd, offset, size);
  return RL_EAGAIN;
}

/* Unsafe trailers are refused and nothing is sent; any other failure breaks the exchange off. */
static int end_body(rl_req *req, const rl_header *trailers, size_t count) {
  rl_h1 *h1 = of_req(req);
  if (!is_streaming(h1)) return RL_EINVALID;
  bool is_short = h1->framing.body && h1->framing.has_length && h1->sent < h1->framing.length;
  int code = is_short ? RL_EIO : RL_OK;
  if (h1->framing.chunked) code = rl_h1_write_last_chunk(rl_conn_out(h1->conn), trailers, count);
  if (code && code != RL_EINVALID) abort_exchange(req);
  if (!code) end_response(h1);
  return code;
}

/* The handler has finished. One that never answered leaves a client waiting: that is a fault of ours, so 500. */
static void release(rl_req *req) {
  rl_h1 *h1 = of_req(req);
  h1->released = true;
  if (!req->responded) {
    char room[64];
    rl_resp resp = rl_resp_plain(500, NULL, room, sizeof room);
    resp.close = true;
    if (respond(req, &resp)) abort_exchange(req);
  } else if (!h1->response_done) {
    abort_exchange(req);
  } else {
    maybe_end(h1);
  }
}

static const rl_req_ops request_ops = {.read_body = read_body,
                                       .respond = respond,
                                       .write = write_body,
                                       .send_file = send_file,
                                       .end = end_body,
                                       .abort = abort_exchange,
                                       .release = release};

/* ---- what the connection says ------------------------------------------------------------------------------------------- */

/* The client has gone in the middle of an exchange; answers before it still leave. */
static void lose_client(rl_h1 *h1) {
  lose_request(h1, RL_EEOF);
  rl_conn_finish(h1->conn, RL_LINGER_NONE);
}

/* Bytes of the body, or its end, are here already and wait for a handler that does not want them yet. */
static bool body_waits(const rl_h1 *h1) { return !h1->wants_body && (h1->pending.len || rl_h1_has_news(&h1->reader)); }

/* A FIN behind complete requests is a half-close: they are still answered, the one that runs has a little time. In the
 * middle of a message, or between two, it is the end. */
static void handle_eof(rl_h1 *h1) {
  if (h1->conn->state != RL_CONN_OPEN || rl_post_waits(&h1->resume)) return; /* it comes back here */
  if (!h1->req) {
    if (!h1->pending.len || may_parse(h1))
      rl_conn_finish(h1->conn, RL_LINGER_NONE); /* else until the answers have left */
  } else if (message_is_over(h1)) {
    set_clock(h1);
  } else if (h1->dropping) {
    stop_dropping(h1);
  } else if (!body_waits(h1)) {
    lose_client(h1);
  }
}

static void on_eof(rl_conn *conn) { handle_eof(h1_of(conn)); }

static void on_drained(rl_conn *conn) {
  rl_req *req = h1_of(conn)->req;
  if (!req) resume_soon(h1_of(conn));
  else if (req->events && req->events->on_drain) req->events->on_drain(req);
}

/* As long as the peer takes what waits for it, it is there (and the stall clock runs). */
static void on_clock(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  if (h1->req && !message_is_over(h1)) {
    if (h1->dropping && rl_loop_now(loop_of(h1)) >= h1->drop_until_ms) stop_dropping(h1);
    else if (body_time(h1) < body_due(h1)) set_clock(h1);
    else fail_body(h1, RL_FAULT_BODY_SLOW);
  } else if (!h1->req && !rl_h1_is_idle(&h1->reader)) {
    refuse(h1, RL_FAULT_HEAD_SLOW);
  } else if (rl_conn_is_writing(conn)) {
    set_clock(h1);
  } else if (h1->req) {
    lose_client(h1); /* behind a half-close */
  } else {
    rl_conn_close(conn, false);
  }
}

static void on_broken(rl_conn *conn, int code) { lose_request(h1_of(conn), code); }

static void on_stop(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  if (h1->req) h1->last = h1->last || !h1->req->responded;
  else if (rl_h1_is_idle(&h1->reader) && !h1->pending.len) set_clock(h1);
}

/* The handler has had its time. Its request is answered in its place (RFC 9110 section 15.6.4), then it hears that it is
 * over; a response that has begun cannot be taken back. */
static void on_cut(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  char room[64];
  rl_resp resp = rl_resp_plain(503, NULL, room, sizeof room);
  resp.close = true;
  bool answered = h1->req && !h1->req->responded && !h1->released && respond(h1->req, &resp) == RL_OK;
  lose_request(h1, RL_ECANCELLED);
  if (answered) rl_conn_finish(conn, RL_LINGER_FULLY);
  else rl_conn_close(conn, false);
}

static void on_free(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  lose_request(h1, RL_ERESET);
  rl_loop_unpost(loop_of(h1), &h1->resume);
  rl_h1_reader_free(&h1->reader);
  rl_buf_free(&h1->pending);
}

const rl_protocol rl_h1_protocol = {.on_data = on_data,
                                    .on_eof = on_eof,
                                    .on_drained = on_drained,
                                    .on_clock = on_clock,
                                    .on_broken = on_broken,
                                    .on_stop = on_stop,
                                    .on_cut = on_cut,
                                    .on_free = on_free};

void rl_h1_init(rl_h1 *h1, rl_conn *conn) {
  memset(h1, 0, sizeof *h1);
  h1->conn = conn;
  conn->protocol_state = h1;
  rl_post_init(&h1->resume);
  rl_buf_init(&h1->pending, PENDING_LIMIT + RL_LIMIT_READ_BUFFER);
  rl_h1_reader_init(&h1->reader, &conn->host->limits, &conn->host->loop->chunks);
  set_clock(h1);
}
