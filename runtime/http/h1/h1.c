/* HTTP/1 on a connection; see h1.h for the picture. */
#include "http/h1/h1.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h1/write.h"
#include "loop/stop.h"

enum { PENDING_LIMIT = RL_LIMIT_READ_BUFFER };

static rl_h1 *h1_of(rl_conn *conn) { return conn->protocol_state; }
static rl_h1 *h1_under(rl_exchange *x) { return RL_CONTAINER(x, rl_h1, exchange); }
static rl_loop *loop_of(rl_h1 *h1) { return h1->conn->host->loop; }
static const rl_limits *limits_of(rl_h1 *h1) { return &h1->conn->host->limits; }
static bool is_busy(const rl_h1 *h1) { return h1->exchange.req != NULL; }

static void on_resume(rl_post *post);
/* Parsing goes on by itself while it is under way. */
static void resume_soon(rl_h1 *h1) {
  if (!h1->parsing && h1->conn->state == RL_CONN_OPEN) rl_loop_post(loop_of(h1), &h1->resume, on_resume);
}

/* ---- the clock: one at a time, by what is being waited for --------------------------------------------------------- */

static uint64_t between_requests(const rl_h1 *h1, const rl_limits *limits) {
  if (h1->conn->stopping) return RL_LIMIT_STOP_IDLE_MS;
  return h1->served ? limits->keep_alive_ms : limits->head_ms;
}

static uint64_t until(const rl_h1 *h1, uint64_t moment_ms) {
  uint64_t now = rl_loop_now(h1->conn->host->loop);
  return now < moment_ms ? moment_ms - now : 1;
}

static uint64_t during_request(rl_h1 *h1) {
  const rl_exchange *x = &h1->exchange;
  if (rl_exchange_is_read(x)) return h1->conn->eof ? RL_LIMIT_HALF_CLOSE_MS : 0;
  if (!rl_exchange_flows(x)) return 0;
  uint64_t left = rl_exchange_body_left_ms(x), most = x->drops_body ? until(h1, h1->drop_until_ms) : UINT64_MAX;
  if (!left) left = 1;
  return left < most ? left : most;
}

static void set_clock(rl_h1 *h1) {
  rl_conn *conn = h1->conn;
  h1->clock_due = h1->parsing;
  if (h1->parsing || conn->state != RL_CONN_OPEN) return;
  h1->head_timed = !is_busy(h1) && !rl_h1_is_idle(&h1->reader);
  if (is_busy(h1)) rl_conn_clock(conn, during_request(h1));
  else rl_conn_clock(conn, h1->head_timed ? limits_of(h1)->head_ms : between_requests(h1, limits_of(h1)));
}

/* ---- the end of an exchange ------------------------------------------------------------------------------------------ */

static void report(rl_h1 *h1, rl_req *req, const rl_exchange_report *how) {
  const rl_conn_events *events = h1->conn->host->events;
  if (events->on_exchange) events->on_exchange(h1->conn, req, how);
}

static void on_end(rl_exchange *x) {
  rl_h1 *h1 = h1_under(x);
  rl_exchange_report how = rl_exchange_report_of(x);
  h1->reader.req = NULL;
  if (!x->response_done) rl_conn_drop_files(h1->conn);
  report(h1, x->req, &how);
}

/* How long input is dropped after the last answer. */
static rl_linger linger_of(const rl_h1 *h1) {
  if (h1->dropped_enough) return RL_LINGER_NONE;
  return h1->exchange.message_done ? RL_LINGER_BRIEFLY : RL_LINGER_FULLY;
}

static void break_off(rl_exchange *x) {
  rl_h1 *h1 = h1_under(x);
  rl_conn_finish(h1->conn, linger_of(h1));
}

/* On to the next exchange, or to the end of the connection. */
static void end_exchange(rl_h1 *h1) {
  rl_exchange_finish(&h1->exchange);
  if (h1->last || h1->conn->stopping) {
    h1->conn->lingered = h1->dropped;
    rl_conn_finish(h1->conn, linger_of(h1));
    return;
  }
  set_clock(h1);
  resume_soon(h1);
}

/* The connection goes on after the request's last byte only. */
static void settle(rl_exchange *x) {
  rl_h1 *h1 = h1_under(x);
  if (x->message_done || h1->last) end_exchange(h1);
  else if (!x->drops_body) rl_exchange_drop_body(x);
}

static void maybe_settle(rl_h1 *h1) {
  if (is_busy(h1) && rl_exchange_is_settled(&h1->exchange)) settle(&h1->exchange);
}

/* ---- the request's body ------------------------------------------------------------------------------------------------ */

static void decide_reading(rl_h1 *h1);

/* After a body that has failed nobody knows where the next request begins. */
static void flow(rl_exchange *x) {
  rl_h1 *h1 = h1_under(x);
  if (x->body_failed) h1->last = true;
  set_clock(h1);
  if (x->wants_body) resume_soon(h1);
  else decide_reading(h1);
}

/* Reads and drops the rest of the body, in bounds: so that the connection can go on after it, and because a client
 * that sends all before it reads would never see the answer. */
static void drop_body(rl_exchange *x) {
  rl_h1 *h1 = h1_under(x);
  h1->drop_until_ms = rl_loop_now(loop_of(h1)) + limits_of(h1)->linger_ms;
  set_clock(h1);
  resume_soon(h1);
}

/* It takes too long or is too much to be worth the connection. */
static void stop_dropping(rl_h1 *h1) {
  h1->dropped_enough = true;
  rl_exchange_stop_body(&h1->exchange);
  maybe_settle(h1);
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* The request was refused before it was one: a short answer that echoes nothing, and the end of the connection. */
static void refuse(rl_h1 *h1, rl_fault fault) {
  char room[128];
  rl_resp resp = rl_resp_refusal(fault, room, sizeof room);
  rl_h1_framing framing = {.has_length = true, .length = resp.body.len};
  rl_exchange_report how = {
      .status = resp.status, .bytes = resp.body.len, .since_ms = rl_loop_now(loop_of(h1)), .fault = fault};
  rl_buf *out = rl_conn_out(h1->conn);
  rl_h1_write_head(out, &resp, &framing, rl_loop_date(loop_of(h1)), true, false);
  rl_buf_add_slice(out, resp.body);
  report(h1, NULL, &how);
  rl_conn_finish(h1->conn, RL_LINGER_FULLY);
}

static void begin_request(rl_h1 *h1) {
  rl_req *req = h1->reader.head;
  rl_conn *conn = h1->conn;
  rl_exchange_begin(&h1->exchange, req);
  rl_conn_introduce(conn, req);
  h1->served++;
  h1->dropped_enough = false;
  h1->dropped = 0;
  h1->last = !h1->reader.message.keep_alive || h1->served >= limits_of(h1)->requests || conn->stopping;
  set_clock(h1);
  conn->host->events->handle(conn, req);
}

static void take_body(rl_h1 *h1) {
  rl_slice piece = h1->reader.piece;
  if (rl_exchange_take_body(&h1->exchange, piece)) return;
  h1->dropped += piece.len;
  if (h1->dropped > limits_of(h1)->linger_size) stop_dropping(h1);
}

static void end_message(rl_h1 *h1) {
  set_clock(h1);
  rl_exchange_end_body(&h1->exchange);
  maybe_settle(h1);
}

/* Returns true if the next byte may be parsed: between requests, unless the peer does not take its answers; within one while
 * somebody wants the body or drops it. */
static bool may_parse(const rl_h1 *h1) {
  if (h1->conn->state != RL_CONN_OPEN) return false;
  if (!is_busy(h1)) return rl_conn_queued(h1->conn) <= RL_LIMIT_WRITE_HIGH;
  return !rl_exchange_is_read(&h1->exchange) && rl_exchange_flows(&h1->exchange);
}

/* Handles one event. Returns false once the input is used up. */
static bool step(rl_h1 *h1, rl_slice *in) {
  switch (rl_h1_next(&h1->reader, in)) {
    case RL_H1_HEAD: begin_request(h1); return true;
    case RL_H1_BODY: take_body(h1); return true;
    case RL_H1_END: end_message(h1); return true;
    case RL_H1_FAULT:
      if (is_busy(h1)) rl_exchange_fail_body(&h1->exchange, h1->reader.fault);
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
    more = (is_busy(h1) || h1->served < most) && step(h1, in);
  h1->parsing = false;
  if (is_busy(h1)) return;
  if (rl_conn_queued(h1->conn) > RL_LIMIT_WRITE_HIGH) rl_conn_want_drained(h1->conn);
  else if (in->len) resume_soon(h1);
}

static bool keep_pending(rl_h1 *h1, rl_slice rest) {
  if (h1->conn->state != RL_CONN_OPEN || rl_buf_add_slice(&h1->pending, rest) == 0) return true;
  rl_exchange_lose(&h1->exchange, RL_ENOMEM);
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
  bool unwanted = is_busy(h1) && !h1->exchange.message_done && !rl_exchange_flows(&h1->exchange);
  rl_conn_read(h1->conn, !unwanted && h1->pending.len < PENDING_LIMIT);
}

static void handle_eof(rl_h1 *h1);

static void after_parsing(rl_h1 *h1) {
  bool head_begins = !is_busy(h1) && !h1->head_timed && !rl_h1_is_idle(&h1->reader);
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

/* ---- what the exchange asks -------------------------------------------------------------------------------------------- */

static void send_continue(rl_exchange *x) {
  rl_h1 *h1 = h1_under(x);
  rl_buf_add_str(rl_conn_out(h1->conn), "HTTP/1.1 100 Continue\r\n\r\n");
  rl_conn_flush_soon(h1->conn);
}

static int send_hints(rl_exchange *x, const rl_header *headers, size_t count) {
  rl_h1 *h1 = h1_under(x);
  int code = rl_h1_write_informational(rl_conn_out(h1->conn), 103, headers, count);
  if (!code) rl_conn_flush_soon(h1->conn);
  return code;
}

/* Returns true if this answer must be the connection's last: asked for, stopping, or a body so large that it is not worth
 * reading only to keep the connection. An Expect that was never met leaves us ignorant of what comes next (RFC 9110 10.1.1). */
static bool is_last(const rl_h1 *h1, const rl_resp *resp) {
  const rl_exchange *x = &h1->exchange;
  if (h1->last || resp->close || h1->framing.until_close || h1->conn->stopping) return true;
  if (rl_stop_asked())
    return true; /* of a handler that computed until it was told: the loop has not seen the signal yet */
  if (x->message_done) return false;
  return !x->continued || (x->req->has_length && x->req->length - x->req->body_size > RL_LIMIT_DRAIN);
}

static int add_body(rl_h1 *h1, rl_slice bytes) {
  rl_buf *out = rl_conn_out(h1->conn);
  return h1->framing.chunked ? rl_h1_write_chunk(out, bytes) : rl_buf_add_slice(out, bytes);
}

static int send_head(rl_exchange *x, const rl_resp *resp) {
  rl_h1 *h1 = h1_under(x);
  rl_buf *out = rl_conn_out(h1->conn);
  size_t mark = out->len;
  h1->framing = rl_h1_framing_of(&x->framing, x->req->version);
  bool last = is_last(h1, resp), say_keep = !last && x->req->version == RL_HTTP_1_0;
  int code = rl_h1_write_head(out, resp, &h1->framing, rl_loop_date(loop_of(h1)), last, say_keep);
  if (!code && x->framing.body && resp->body.len) code = add_body(h1, resp->body);
  if (code) {
    out->len = mark;
    out->error = 0;
    return code;
  }
  h1->last = last;
  h1->conn->unfinished = h1->framing.until_close;
  rl_conn_flush_soon(h1->conn);
  return RL_OK;
}

static int send_body(rl_exchange *x, rl_slice bytes) {
  rl_h1 *h1 = h1_under(x);
  int code = add_body(h1, bytes);
  if (code) return code;
  rl_conn_flush_soon(h1->conn);
  if (rl_conn_queued(h1->conn) < RL_LIMIT_WRITE_HIGH) return RL_OK;
  rl_conn_want_drained(h1->conn);
  return RL_EAGAIN;
}

static int send_file(rl_exchange *x, int fd, uint64_t offset, uint64_t size) {
  int code = rl_conn_send_file(h1_under(x)->conn, fd, offset, size);
  return code ? code : RL_EAGAIN;
}

static int send_end(rl_exchange *x, const rl_header *trailers, size_t count) {
  rl_h1 *h1 = h1_under(x);
  rl_conn *conn = h1->conn;
  int code = h1->framing.chunked ? rl_h1_write_last_chunk(rl_conn_out(conn), trailers, count) : RL_OK;
  if (code) return code;
  conn->unfinished = false;
  rl_conn_flush_soon(conn);
  return RL_OK;
}

static const rl_exchange_ops exchange_ops = {.send_head = send_head,
                                             .send_body = send_body,
                                             .send_file = send_file,
                                             .send_end = send_end,
                                             .send_continue = send_continue,
                                             .send_hints = send_hints,
                                             .flow = flow,
                                             .drop_body = drop_body,
                                             .settle = settle,
                                             .on_end = on_end,
                                             .break_off = break_off};

/* ---- what the connection says ------------------------------------------------------------------------------------------- */

/* The client has gone in the middle of an exchange; earlier answers still leave. */
static void lose_client(rl_h1 *h1) {
  rl_exchange_lose(&h1->exchange, RL_EEOF);
  rl_conn_finish(h1->conn, RL_LINGER_NONE);
}

/* Bytes of the body, or its end, are here already and wait for a handler that does not want them yet. */
static bool body_waits(const rl_h1 *h1) {
  return !h1->exchange.wants_body && (h1->pending.len || rl_h1_has_news(&h1->reader));
}

/* A FIN after complete requests is a half-close: they are still answered, the one that runs has a little time. In the
 * middle of a message, or between two, it is the end. */
static void handle_eof(rl_h1 *h1) {
  if (h1->conn->state != RL_CONN_OPEN || rl_post_waits(&h1->resume)) return; /* it comes back here */
  if (!is_busy(h1)) {
    if (!h1->pending.len || may_parse(h1))
      rl_conn_finish(h1->conn, RL_LINGER_NONE); /* else until the answers have left */
  } else if (rl_exchange_is_read(&h1->exchange)) {
    set_clock(h1);
  } else if (h1->exchange.drops_body) {
    stop_dropping(h1);
  } else if (!body_waits(h1)) {
    lose_client(h1);
  }
}

static void on_eof(rl_conn *conn) { handle_eof(h1_of(conn)); }

static void on_drained(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  if (is_busy(h1)) rl_exchange_drained(&h1->exchange);
  else resume_soon(h1);
}

/* As long as the peer takes what waits for it, it is there (and the stall clock runs). */
static void on_clock(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  rl_exchange *x = &h1->exchange;
  if (x->req && !rl_exchange_is_read(x)) {
    if (x->drops_body && rl_loop_now(loop_of(h1)) >= h1->drop_until_ms) stop_dropping(h1);
    else if (rl_exchange_body_left_ms(x)) set_clock(h1);
    else rl_exchange_fail_body(x, RL_FAULT_BODY_SLOW);
  } else if (!x->req && !rl_h1_is_idle(&h1->reader)) {
    refuse(h1, RL_FAULT_HEAD_SLOW);
  } else if (rl_conn_is_writing(conn)) {
    set_clock(h1);
  } else if (x->req) {
    lose_client(h1); /* after a half-close */
  } else {
    rl_conn_close(conn, false);
  }
}

static void on_broken(rl_conn *conn, int code) { rl_exchange_lose(&h1_of(conn)->exchange, code); }

static void on_stop(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  if (is_busy(h1)) h1->last = h1->last || !h1->exchange.req->responded;
  else if (rl_h1_is_idle(&h1->reader) && !h1->pending.len) set_clock(h1);
}

/* A response that has begun cannot be taken back. One that is complete still leaves. */
static void on_cut(rl_conn *conn) {
  rl_h1 *h1 = h1_of(conn);
  rl_exchange *x = &h1->exchange;
  bool busy = is_busy(h1);
  rl_exchange_cut(x);
  if (busy ? x->response_done : rl_conn_is_writing(conn)) rl_conn_finish(conn, linger_of(h1));
  else rl_conn_close(conn, false);
}

static int open_h1(rl_conn *conn) {
  rl_h1 *h1 = rl_calloc(1, sizeof *h1);
  if (!h1) return RL_ENOMEM;
  h1->conn = conn;
  conn->protocol_state = h1;
  rl_post_init(&h1->resume);
  rl_buf_init(&h1->pending, PENDING_LIMIT + RL_LIMIT_READ_BUFFER);
  rl_exchange_init(&h1->exchange, &exchange_ops, conn->host->loop, &conn->host->limits);
  rl_h1_reader_init(&h1->reader, &conn->host->limits, &conn->host->loop->chunks);
  set_clock(h1);
  return RL_OK;
}

static void on_free(rl_conn *conn, void *state) {
  rl_h1 *h1 = state;
  rl_exchange_lose(&h1->exchange, RL_ERESET);
  rl_loop_unpost(conn->host->loop, &h1->resume);
  rl_h1_reader_free(&h1->reader);
  rl_buf_free(&h1->pending);
  rl_free(h1);
}

const rl_protocol rl_h1_protocol = {.open = open_h1,
                                    .on_data = on_data,
                                    .on_eof = on_eof,
                                    .on_drained = on_drained,
                                    .on_clock = on_clock,
                                    .on_broken = on_broken,
                                    .on_stop = on_stop,
                                    .on_cut = on_cut,
                                    .on_free = on_free};
