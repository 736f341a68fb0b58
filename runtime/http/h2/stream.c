/* One request of HTTP/2; see stream.h. */
#include "http/h2/stream.h"

#include "base/alloc.h"
#include "base/error.h"
#include "http/h2/write.h"

enum { QUEUE_HIGH = 64 << 10, FRAME_HEAD = 9 };

static const rl_exchange_ops exchange_ops;

static rl_h2_stream *stream_under(rl_exchange *x) { return RL_CONTAINER(x, rl_h2_stream, exchange); }

/* ---- life ---------------------------------------------------------------------------------------------------------------------- */

rl_h2_stream *rl_h2_stream_new(rl_h2 *h2, int32_t id) {
  rl_conn_host *host = h2->conn->host;
  rl_h2_stream *s = rl_calloc(1, sizeof *s);
  rl_req *req = s ? rl_req_new(&host->loop->chunks) : NULL;
  if (!req) {
    rl_free(s);
    return NULL;
  }
  s->h2 = h2;
  s->id = id;
  rl_list_init(&s->node);
  rl_list_init(&s->news);
  rl_list_push(&h2->streams, &s->node);
  rl_h2_head_init(&s->head, req);
  rl_buf_init(&s->unread, RL_BUF_NO_LIMIT);
  rl_h2_outflow_init(&s->out);
  rl_exchange_init(&s->exchange, &exchange_ops, host->loop, &host->limits);
  h2->running++;
  return s;
}

static void drop_queue(rl_h2_stream *s) {
  s->h2->queued -= rl_h2_outflow_queued(&s->out);
  rl_h2_outflow_drop(&s->out);
}

/* What was never handed over still counts as taken, so that others have the connection's window. */
static void drop_unread(rl_h2_stream *s) {
  if (!s->unread.len) return;
  rl_h2_check(s->h2, nghttp2_session_consume_connection(s->h2->session, s->unread.len));
  rl_buf_free(&s->unread);
}

void rl_h2_stream_del(rl_h2_stream *s) {
  if (!s->begun) s->h2->running--;
  rl_exchange_lose(&s->exchange, RL_ERESET);
  if (s->head.req && !s->begun) rl_req_free(s->head.req);
  drop_queue(s);
  rl_buf_free(&s->unread);
  rl_h2_outflow_free(&s->out);
  rl_list_remove(&s->node);
  rl_list_remove(&s->news);
  rl_free(s);
}

void rl_h2_stream_has_news(rl_h2_stream *s) {
  if (!rl_list_empty(&s->news)) return;
  rl_list_push(&s->h2->todo, &s->news);
  rl_h2_work_soon(s->h2);
}

void rl_h2_stream_bury(rl_h2_stream *s) {
  if (!s->closed || s->exchange.req) return;
  rl_list_remove(&s->news);
  rl_list_push(&s->h2->dead, &s->news);
  rl_h2_work_soon(s->h2);
}

static void reset(rl_h2_stream *s, uint32_t code) {
  if (s->closed) return;
  rl_h2_check(s->h2, nghttp2_submit_rst_stream(s->h2->session, NGHTTP2_FLAG_NONE, s->id, code));
  rl_h2_work_soon(s->h2);
}

void rl_h2_stream_break_off(rl_h2_stream *s) {
  reset(s, NGHTTP2_INTERNAL_ERROR);
  rl_h2_stream_bury(s);
}

/* The answer is complete and has left, and nobody wants the rest of the request: the client need not send it (RFC 9113 section
 * 8.1). */
static void stop_client(rl_h2_stream *s) {
  if (s->end_sent && !s->remote_done) reset(s, NGHTTP2_NO_ERROR);
}

void rl_h2_stream_end_sent(rl_h2_stream *s) {
  s->end_sent = true;
  rl_h2_guard_answered(&s->h2->guard);
  if (s->answered || (s->begun && !s->exchange.req)) stop_client(s);
}

/* A handler's own call may have sent what closes this stream or another, so its handler hears of it in the next step, not now. */
void rl_h2_stream_close(rl_h2_stream *s, uint32_t code) {
  bool complete = code == NGHTTP2_NO_ERROR && s->end_sent;
  s->closed = true;
  s->lost = !complete && s->exchange.req;
  drop_unread(s);
  drop_queue(s);
  if (s->lost) rl_h2_stream_has_news(s);
  else rl_h2_stream_bury(s);
}

static void lose(rl_h2_stream *s) {
  s->lost = false;
  rl_exchange_lose(&s->exchange, RL_ERESET);
  rl_h2_stream_bury(s);
}

/* ---- the request ---------------------------------------------------------------------------------------------------------------- */

static void report(rl_h2_stream *s, rl_req *req, const rl_exchange_report *how) {
  const rl_conn_events *events = s->h2->conn->host->events;
  if (events->on_exchange) events->on_exchange(s->h2->conn, req, how);
}

/* The request was refused before it was one: a short answer that echoes nothing. */
static void refuse(rl_h2_stream *s, rl_fault fault) {
  char room[128];
  rl_loop *loop = s->h2->conn->host->loop;
  rl_resp resp = rl_resp_refusal(fault, room, sizeof room);
  rl_exchange_report how = {
      .status = resp.status, .bytes = resp.body.len, .since_ms = rl_loop_now(loop), .fault = fault};
  s->answered = true;
  s->exchange.framing = (rl_framing){.body = true, .has_length = true, .length = resp.body.len};
  if (exchange_ops.send_head(&s->exchange, &resp)) reset(s, NGHTTP2_INTERNAL_ERROR);
  report(s, NULL, &how);
}

void rl_h2_stream_take_head(rl_h2_stream *s, bool ended) {
  s->remote_done = ended;
  rl_fault fault = rl_h2_head_finish(&s->head, ended);
  if (fault) refuse(s, fault);
  else s->head_ready = true;
  rl_h2_stream_has_news(s);
}

static void begin(rl_h2_stream *s) {
  rl_h2 *h2 = s->h2;
  rl_req *req = s->head.req;
  s->begun = true;
  if (++h2->served >= h2->conn->host->limits.requests) rl_h2_shut(h2);
  rl_exchange_begin(&s->exchange, req);
  rl_conn_introduce(h2->conn, req);
  h2->conn->host->events->handle(h2->conn, req);
}

/* ---- its body ------------------------------------------------------------------------------------------------------------------- */

static bool wants_body(const rl_h2_stream *s) {
  const rl_exchange *x = &s->exchange;
  return x->req && x->wants_body && !rl_exchange_is_read(x);
}

/* A handler will come, or may still want it. */
static bool may_be_wanted(const rl_h2_stream *s) {
  const rl_exchange *x = &s->exchange;
  if (!s->begun) return !s->answered;
  return x->req && !x->drops_body && !rl_exchange_is_read(x);
}

static void give_credit(rl_h2_stream *s, size_t size) {
  nghttp2_session *session = s->h2->session;
  rl_h2_check(s->h2, s->closed ? nghttp2_session_consume_connection(session, size)
                               : nghttp2_session_consume(session, s->id, size));
}

void rl_h2_stream_take_body(rl_h2_stream *s, rl_slice piece) {
  if (wants_body(s) && !s->unread.len && !rl_req_is_too_long(s->exchange.req)) {
    rl_exchange_take_body(&s->exchange, piece);
    give_credit(s, piece.len);
  } else if (may_be_wanted(s)) {
    if (rl_buf_add_slice(&s->unread, piece)) reset(s, NGHTTP2_INTERNAL_ERROR);
    if (s->begun) rl_h2_stream_has_news(s);
  } else { /* no credit for the stream: the client may send no more than a window of what is dropped */
    rl_h2_check(s->h2, nghttp2_session_consume_connection(s->h2->session, piece.len));
  }
}

void rl_h2_stream_end_message(rl_h2_stream *s) {
  s->remote_done = true;
  rl_h2_stream_has_news(s);
}

/* Their fields go where the request's are, if it is there still. */
void rl_h2_stream_begin_trailers(rl_h2_stream *s) {
  rl_h2_head_init(&s->head, s->begun ? s->exchange.req : s->head.req);
}

void rl_h2_stream_take_trailers(rl_h2_stream *s) {
  if (!s->head.req) return;
  s->trailer_fault = (uint8_t)rl_h2_head_finish_trailers(&s->head);
}

/* Hands over what the handler wants of the body: what has come, then how it ended. */
static void deliver(rl_h2_stream *s) {
  rl_exchange *x = &s->exchange;
  if (wants_body(s) && rl_req_is_too_long(x->req)) {
    rl_exchange_fail_body(x, RL_FAULT_BODY_LARGE);
    return;
  }
  if (wants_body(s) && s->unread.len) {
    rl_buf piece = s->unread;
    rl_buf_init(&s->unread, RL_BUF_NO_LIMIT);
    rl_exchange_take_body(x, rl_buf_slice(&piece));
    give_credit(s, piece.len);
    rl_buf_free(&piece);
  }
  if (!wants_body(s) || s->unread.len || !s->remote_done) return;
  if (s->trailer_fault) rl_exchange_fail_body(x, (rl_fault)s->trailer_fault);
  else rl_exchange_end_body(x);
}

static void maybe_drained(rl_h2_stream *s) {
  if (!s->drain_due || !rl_h2_outflow_is_empty(&s->out) || !rl_h2_can_pump(s->h2)) return;
  s->drain_due = false;
  rl_exchange_drained(&s->exchange);
}

void rl_h2_stream_step(rl_h2_stream *s) {
  if (s->lost) {
    lose(s);
    return;
  }
  if (s->head_ready && !s->begun && !s->closed) {
    s->h2->held = s->h2->held || s->h2->queued > RL_LIMIT_H2_QUEUED;
    if (s->h2->queued <= RL_LIMIT_H2_QUEUED) begin(s);
  }
  deliver(s);
  maybe_drained(s);
}

/* A body that somebody reads gets a window that keeps a distant client busy; one that nobody reads yet is held back early. */
static void widen(rl_h2_stream *s) {
  if (s->wide || s->remote_done || s->closed) return;
  s->wide = true;
  rl_h2_check(s->h2, nghttp2_session_set_local_window_size(s->h2->session, NGHTTP2_FLAG_NONE, s->id,
                                                           (int32_t)RL_LIMIT_H2_STREAM_WINDOW));
}

static void flow(rl_exchange *x) {
  rl_h2_stream *s = stream_under(x);
  if (x->wants_body) {
    widen(s);
    rl_h2_stream_has_news(s);
    uint64_t left = rl_exchange_body_left_ms(x);
    if (left != UINT64_MAX) rl_h2_due(s->h2, left);
  } else if (!may_be_wanted(s)) {
    drop_unread(s);
  }
}

void rl_h2_stream_pace(rl_h2_stream *s, uint64_t now_ms, uint64_t *next) {
  if (!wants_body(s)) return;
  uint64_t left = rl_exchange_body_left_ms(&s->exchange);
  if (!left) rl_exchange_fail_body(&s->exchange, RL_FAULT_BODY_SLOW);
  else if (left < *next - now_ms) *next = now_ms + left;
}

static void drop_body(rl_exchange *x) { drop_unread(stream_under(x)); }

/* ---- the response --------------------------------------------------------------------------------------------------------------- */

/* nghttp2 asks how much of the body may go into a frame of at most `most` bytes. */
static ssize_t read_data(nghttp2_session *session, int32_t id, uint8_t *buf, size_t most, uint32_t *flags,
                         nghttp2_data_source *source, void *ud) {
  rl_h2_stream *s = source->ptr;
  bool last;
  if (rl_conn_queued(s->h2->conn) >= RL_LIMIT_WRITE_HIGH) return NGHTTP2_ERR_PAUSE; /* one call may send every frame */
  size_t size = rl_h2_outflow_front(&s->out, most, &last);
  (void)buf, (void)ud;
  if (!size && !last) {
    s->deferred = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  if (size) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!last) return (ssize_t)size;
  *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (!s->out.trailers) return (ssize_t)size;
  *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
  int code = rl_h2_write_trailers(session, id, s->out.trailers, s->out.trailer_count);
  return code ? NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE : (ssize_t)size;
}

static void resume(rl_h2_stream *s) {
  if (!s->deferred || s->closed) return;
  s->deferred = false;
  rl_h2_check(s->h2, nghttp2_session_resume_data(s->h2->session, s->id));
}

int rl_h2_stream_send_data(rl_h2_stream *s, const uint8_t *frame_head, size_t length) {
  rl_buf *out = rl_conn_out(s->h2->conn);
  size_t mark = out->len;
  if (rl_buf_reserve(out, FRAME_HEAD + length)) return NGHTTP2_ERR_CALLBACK_FAILURE;
  s->moved_ms = s->h2->clock.sent_ms = rl_loop_now(s->exchange.loop);
  rl_buf_add(out, frame_head, FRAME_HEAD);
  size_t queued = rl_h2_outflow_queued(&s->out);
  if (rl_h2_outflow_move(&s->out, length, out)) {
    out->len = mark;
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  s->h2->queued -= queued - rl_h2_outflow_queued(&s->out);
  if (s->drain_due && rl_h2_outflow_is_empty(&s->out)) rl_h2_stream_has_news(s);
  return 0;
}

bool rl_h2_stream_waits(const rl_h2_stream *s) { return !s->closed && !rl_h2_outflow_is_empty(&s->out); }

bool rl_h2_stream_is_shut(const rl_h2_stream *s) {
  return nghttp2_session_get_stream_remote_window_size(s->h2->session, s->id) <= 0;
}

void rl_h2_stream_give_up(rl_h2_stream *s, int code) {
  rl_exchange_lose(&s->exchange, code);
  reset(s, NGHTTP2_CANCEL);
}

/* Without a word of the client the responses that take long share the connection: nghttp2 would send one after the other, a file of hours
 * before a page. A Priority field or frame decides otherwise, also later (RFC 9218 sections 4.2 and 10). */
static void share(rl_h2_stream *s) {
  const nghttp2_extpri equal = {.urgency = NGHTTP2_EXTPRI_DEFAULT_URGENCY, .inc = 1};
  const rl_req *req = s->exchange.req;
  if (s->shares || !req || rl_header_find_name(req->headers, req->header_count, RL_SLICE("priority"))) return;
  s->shares = true;
  rl_h2_check(s->h2, nghttp2_session_change_extpri_stream_priority(s->h2->session, s->id, &equal, 0));
}

/* Some of the response waits from now on: not for ever. */
static void start_waiting(rl_h2_stream *s) {
  if (rl_h2_stream_waits(s)) return;
  share(s);
  s->moved_ms = rl_loop_now(s->exchange.loop);
  rl_h2_due(s->h2, s->exchange.limits->write_stall_ms);
}

static int enqueue(rl_h2_stream *s, rl_slice bytes) {
  start_waiting(s);
  int code = rl_h2_outflow_add(&s->out, bytes);
  if (!code) s->h2->queued += bytes.len;
  return code;
}

/* Sends bytes that are the caller's: what does not leave at once is copied. */
static int push_bytes(rl_h2_stream *s, rl_slice bytes) {
  if (s->out.queue.len || !rl_h2_can_pump(s->h2)) return enqueue(s, bytes);
  s->out.borrowed = bytes;
  rl_h2_pump(s->h2);
  rl_slice rest = s->out.borrowed;
  s->out.borrowed = RL_SLICE_NONE;
  return rest.len && !s->closed ? enqueue(s, rest) : RL_OK;
}

static int send_head(rl_exchange *x, const rl_resp *resp) {
  rl_h2_stream *s = stream_under(x);
  rl_h2 *h2 = s->h2;
  rl_h2_digits digits;
  if (s->lost) return RL_ERESET;
  bool now = rl_h2_can_pump(h2), bodied = x->framing.body && (resp->streamed || resp->body.len);
  rl_slice body = bodied ? resp->body : RL_SLICE_NONE;
  if (!now && body.len && enqueue(s, body)) return RL_ENOMEM;
  s->out.ended = !resp->streamed || !bodied;
  nghttp2_data_provider provider = {.source = {.ptr = s}, .read_callback = read_data};
  int code = rl_h2_write_head(h2->session, s->id, resp, &x->framing, rl_loop_date(h2->conn->host->loop),
                              bodied ? &provider : NULL, &digits, now);
  if (code) {
    drop_queue(s);
    return code;
  }
  h2->head_waits = now;
  if (now && push_bytes(s, body)) reset(s, NGHTTP2_INTERNAL_ERROR);
  if (now && !body.len) rl_h2_pump(h2);
  h2->head_waits = false;
  rl_h2_work_soon(h2);
  return RL_OK;
}

static int wait_for_room(rl_h2_stream *s) {
  if (rl_h2_outflow_queued(&s->out) < QUEUE_HIGH && !s->out.file_left && rl_h2_can_pump(s->h2)) return RL_OK;
  s->drain_due = true;
  if (rl_h2_outflow_is_empty(&s->out)) rl_h2_stream_has_news(s);
  return RL_EAGAIN;
}

static int send_body(rl_exchange *x, rl_slice bytes) {
  rl_h2_stream *s = stream_under(x);
  if (s->lost) return RL_ERESET;
  if (s->out.file_left) return RL_EINVALID;
  resume(s);
  int code = push_bytes(s, bytes);
  return code ? code : wait_for_room(s);
}

static int send_file(rl_exchange *x, int fd, uint64_t offset, uint64_t size) {
  rl_h2_stream *s = stream_under(x);
  if (s->lost) return RL_ERESET;
  start_waiting(s);
  rl_h2_outflow_add_file(&s->out, fd, offset, size);
  resume(s);
  s->drain_due = true;
  rl_h2_work_soon(s->h2);
  return RL_EAGAIN;
}

static int send_end(rl_exchange *x, const rl_header *trailers, size_t count) {
  rl_h2_stream *s = stream_under(x);
  if (s->lost) return RL_ERESET;
  if (!x->framing.body) return RL_OK; /* the head has ended it */
  if (count && rl_h2_outflow_keep_trailers(&s->out, trailers, count)) return RL_ENOMEM;
  s->out.ended = true;
  resume(s);
  rl_h2_pump(s->h2);
  rl_h2_work_soon(s->h2);
  return RL_OK;
}

static void send_continue(rl_exchange *x) {
  rl_h2_stream *s = stream_under(x);
  if (rl_h2_write_informational(s->h2->session, s->id, 100, NULL, 0)) reset(s, NGHTTP2_INTERNAL_ERROR);
  rl_h2_work_soon(s->h2);
}

static int send_hints(rl_exchange *x, const rl_header *headers, size_t count) {
  rl_h2_stream *s = stream_under(x);
  if (s->lost) return RL_ERESET;
  int code = rl_h2_write_informational(s->h2->session, s->id, 103, headers, count);
  if (!code) rl_h2_pump(s->h2);
  rl_h2_work_soon(s->h2);
  return code;
}

static void settle(rl_exchange *x) {
  rl_h2_stream *s = stream_under(x);
  rl_exchange_finish(x);
  drop_unread(s);
  stop_client(s);
  rl_h2_stream_bury(s);
}

static void on_end(rl_exchange *x) {
  rl_h2_stream *s = stream_under(x);
  rl_exchange_report how = rl_exchange_report_of(x);
  s->out.file_left = 0;
  s->head.req = NULL; /* trailers may be under way */
  s->h2->running--;
  report(s, x->req, &how);
}

static void break_off(rl_exchange *x) { rl_h2_stream_break_off(stream_under(x)); }

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
