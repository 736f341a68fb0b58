/* Exchanges in process; see local.h. */
#include "http/local.h"

#include <unistd.h>

#include "base/error.h"
#include "http/h1/read.h"

enum { PIECE = 64 << 10 };

static rl_local *local_under(rl_exchange *x) { return RL_CONTAINER(x, rl_local, exchange); }

/* ---- request body ---------------------------------------------------------------------------------------------------- */

static void on_post(rl_post *post);
static void post_soon(rl_local *local) { rl_loop_post(local->exchange.loop, &local->post, on_post); }

bool rl_local_is_done_with_body(const rl_local *local) {
  const rl_exchange *x = &local->exchange;
  return !x->req || x->released || rl_exchange_is_read(x);
}

bool rl_local_wants_body(const rl_local *local) {
  return !rl_local_is_done_with_body(local) && local->exchange.wants_body && !local->sent.len;
}

/* Hands over what waits. The handler may ask for more from inside. */
static void deliver_piece(rl_local *local) {
  rl_buf piece = local->sent;
  rl_buf_init(&local->sent, RL_BUF_NO_LIMIT);
  rl_exchange_take_body(&local->exchange, rl_buf_slice(&piece));
  rl_buf_free(&piece);
}

static bool may_deliver(const rl_local *local) {
  return !rl_local_is_done_with_body(local) && local->exchange.wants_body;
}

/* A length that was announced counts before a byte has come, as on a connection. */
static void deliver(rl_local *local) {
  rl_exchange *x = &local->exchange;
  if (!may_deliver(local)) return;
  if (rl_req_is_too_long(x->req)) {
    rl_exchange_fail_body(x, RL_FAULT_BODY_LARGE);
    return;
  }
  if (local->sent.len) deliver_piece(local);
  if (may_deliver(local) && !local->sent.len && local->sent_all) rl_exchange_end_body(x);
}

static void on_post(rl_post *post) {
  rl_local *local = RL_CONTAINER(post, rl_local, post);
  if (local->file_done) {
    local->file_done = false;
    rl_exchange_drained(&local->exchange);
  }
  deliver(local);
  if (rl_local_wants_body(local) && !local->sent_all && local->events->on_flow) local->events->on_flow(local);
}

int rl_local_send(rl_local *local, rl_slice bytes, bool last) {
  int code = rl_buf_add_slice(&local->sent, bytes);
  if (code) return code;
  local->sent_all = last;
  post_soon(local);
  return RL_OK;
}

static void flow(rl_exchange *x) {
  rl_local *local = local_under(x);
  if (x->wants_body) post_soon(local);
  else if (local->events->on_flow) local->events->on_flow(local);
}

/* ---- response -------------------------------------------------------------------------------------------------------- */

static void changed(rl_local *local) {
  if (local->events->on_change) local->events->on_change(local);
}

static void end(rl_local *local) {
  local->ended = true;
  changed(local);
}

static int send_head(rl_exchange *x, const rl_resp *resp) {
  rl_local *local = local_under(x);
  if (x->framing.body && rl_buf_add_slice(&local->received, resp->body)) {
    rl_buf_free(&local->received);
    rl_buf_init(&local->received, RL_BUF_NO_LIMIT);
    return RL_ENOMEM;
  }
  local->head_done = true;
  local->events->on_head(local, resp);
  if (resp->streamed) changed(local);
  else end(local);
  return RL_OK;
}

static int send_body(rl_exchange *x, rl_slice bytes) {
  rl_local *local = local_under(x);
  if (rl_buf_add_slice(&local->received, bytes)) return RL_ENOMEM;
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

static int send_file(rl_exchange *x, int fd, uint64_t offset, uint64_t size) {
  rl_local *local = local_under(x);
  local->file = fd;
  local->file_at = offset;
  local->file_left = size;
  return read_file(local);
}

/* Trailers arrive where a wire has room for them. */
static int send_end(rl_exchange *x, const rl_header *trailers, size_t count) {
  rl_local *local = local_under(x);
  bool has_room = rl_h1_framing_of(&x->framing, x->req->version).chunked;
  for (size_t i = 0; has_room && i < count; i++) local->events->on_trailer(local, &trailers[i]);
  end(local);
  return RL_OK;
}

static void send_continue(rl_exchange *x) { (void)x; }

/* A peer that can be told to send no more. */
static void drop_body(rl_exchange *x) { rl_exchange_stop_body(x); }

static void on_end(rl_exchange *x) { local_under(x)->file_left = 0; }

static void break_off(rl_exchange *x) {
  rl_local *local = local_under(x);
  local->aborted = true;
  changed(local);
}

static const rl_exchange_ops exchange_ops = {.send_head = send_head,
                                             .send_body = send_body,
                                             .send_file = send_file,
                                             .send_end = send_end,
                                             .send_continue = send_continue,
                                             .flow = flow,
                                             .drop_body = drop_body,
                                             .settle = rl_exchange_finish,
                                             .on_end = on_end,
                                             .break_off = break_off};

void rl_local_taken(rl_local *local, size_t len) {
  rl_buf_consume(&local->received, len);
  if (local->file_left && read_file(local) != RL_EAGAIN) {
    rl_exchange_lose(&local->exchange, RL_EIO);
    break_off(&local->exchange);
    return;
  }
  if (!local->handler_waits || local->received.len >= RL_LIMIT_WRITE_HIGH) return;
  local->handler_waits = false;
  rl_exchange_drained(&local->exchange);
}

/* ---- life ------------------------------------------------------------------------------------------------------------ */

/* The request of a head; NULL if it is refused. */
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
  rl_exchange *x = &local->exchange;
  x->framing = (rl_framing){.body = true, .has_length = true, .length = resp.body.len};
  if (send_head(x, &resp)) break_off(x);
}

rl_fault rl_local_start(rl_local *local, rl_loop *loop, const rl_limits *limits, rl_slice head, bool secure,
                        void (*handle)(void *ud, rl_req *req), void *ud) {
  rl_fault fault;
  rl_req *req = parse(loop, limits, head, &fault);
  rl_exchange_init(&local->exchange, &exchange_ops, loop, limits);
  rl_buf_init(&local->sent, RL_BUF_NO_LIMIT);
  rl_buf_init(&local->received, RL_BUF_NO_LIMIT);
  rl_post_init(&local->post);
  if (!req) {
    answer_refusal(local, fault);
    return fault;
  }
  rl_exchange_begin(&local->exchange, req);
  req->secure = secure;
  req->remote = RL_SLICE("127.0.0.1");
  local->sent_all = req->body_done;
  handle(ud, req);
  return RL_FAULT_NONE;
}

void rl_local_free(rl_local *local) {
  rl_loop_unpost(local->exchange.loop, &local->post);
  rl_buf_free(&local->sent);
  rl_buf_free(&local->received);
  rl_exchange_lose(&local->exchange, RL_EEOF);
}
