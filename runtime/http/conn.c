/* Writing, closing and the clocks of a connection; see conn.h. */
#include "http/conn.h"

#include "base/alloc.h"
#include "base/error.h"

enum { SPARE_CAP_MAX = 64 << 10 };

void rl_conn_host_init(rl_conn_host *host, rl_loop *loop, const rl_conn_events *events, void *owner) {
  *host = (rl_conn_host){.loop = loop, .limits = rl_limits_default, .events = events, .owner = owner};
  rl_list_init(&host->lingering);
}

void rl_conn_host_free(rl_conn_host *host) {
  while (host->spares) rl_buf_free(&host->spare[--host->spares]);
  rl_free(host->reserve);
}

/* ---- write buffers: an idle connection holds none ---------------------------------------------------------------- */

rl_buf *rl_conn_out(rl_conn *conn) {
  rl_conn_host *host = conn->host;
  rl_buf *bytes = &conn->output.bytes;
  if (!bytes->data && !bytes->error && host->spares) *bytes = host->spare[--host->spares];
  return bytes;
}

static void give_out_back(rl_conn *conn) {
  rl_conn_host *host = conn->host;
  rl_buf *bytes = &conn->output.bytes;
  if (!bytes->data) return;
  rl_buf_clear(bytes);
  if (bytes->cap <= SPARE_CAP_MAX && host->spares < sizeof host->spare / sizeof *host->spare)
    host->spare[host->spares++] = *bytes;
  else rl_buf_free(bytes);
  rl_buf_init(bytes, RL_BUF_NO_LIMIT);
}

/* ---- closing ----------------------------------------------------------------------------------------------------- */

static rl_conn *conn_of(rl_stream *stream) { return stream->owner; }

void rl_conn_close(rl_conn *conn, bool reset) {
  if (conn->state == RL_CONN_CLOSED) return;
  if (conn->state == RL_CONN_LINGERING) conn->host->lingering_count--;
  conn->state = RL_CONN_CLOSED;
  rl_list_remove(&conn->linger_node);
  rl_loop *loop = conn->host->loop;
  rl_timer_stop(loop, &conn->clock);
  rl_timer_stop(loop, &conn->stall);
  rl_loop_unpost(loop, &conn->flush);
  conn->stream->ops->close(conn->stream, reset || conn->unfinished);
}

static void on_closed(rl_stream *stream) {
  rl_conn *conn = conn_of(stream);
  if (conn->protocol) conn->protocol->on_free(conn, conn->protocol_state);
  give_out_back(conn);
  rl_output_free(&conn->output);
  conn->host->events->on_closed(conn);
}

static void broken(rl_conn *conn, int code) {
  if (conn->state == RL_CONN_CLOSED) return;
  if (conn->protocol) conn->protocol->on_broken(conn, code);
  rl_conn_close(conn, false);
}

static void on_linger_over(rl_timer *timer) { rl_conn_close(RL_CONTAINER(timer, rl_conn, clock), false); }

/* Until the limit; if the server stops, only as long as bytes keep coming. */
static void set_linger_clock(rl_conn *conn) {
  uint64_t now = rl_loop_now(conn->host->loop);
  uint64_t left = conn->linger_until_ms > now ? conn->linger_until_ms - now : 0;
  if (conn->stopping && left > RL_LIMIT_LINGER_BRIEF_MS) left = RL_LIMIT_LINGER_BRIEF_MS;
  rl_timer_start(conn->host->loop, &conn->clock, left, on_linger_over);
}

static bool has_dropped_enough(const rl_conn *conn) { return conn->lingered > conn->host->limits.linger_size; }

static void start_linger(rl_conn *conn) {
  uint64_t most = conn->host->limits.linger_ms;
  if (conn->linger == RL_LINGER_BRIEFLY && most > RL_LIMIT_LINGER_BRIEF_MS) most = RL_LIMIT_LINGER_BRIEF_MS;
  if (conn->eof || !most || has_dropped_enough(conn)) { /* eof: the peer has said its last word already */
    rl_conn_close(conn, false);
    return;
  }
  conn->state = RL_CONN_LINGERING;
  conn->linger_until_ms = rl_loop_now(conn->host->loop) + most;
  rl_list_push(&conn->host->lingering, &conn->linger_node);
  conn->host->lingering_count++;
  conn->stream->ops->shutdown(conn->stream);
  rl_conn_read(conn, true);
  set_linger_clock(conn);
  if (conn->host->events->on_linger) conn->host->events->on_linger(conn);
}

bool rl_conn_host_shed(rl_conn_host *host) {
  if (rl_list_empty(&host->lingering)) return false;
  rl_conn_close(RL_CONTAINER(host->lingering.next, rl_conn, linger_node), false);
  return true;
}

/* Everything is written: a connection that was only waiting for that goes on to its end. */
static void written(rl_conn *conn) {
  give_out_back(conn);
  rl_timer_stop(conn->host->loop, &conn->stall);
  if (conn->state != RL_CONN_FINISHING) return;
  if (conn->linger && !conn->unfinished) start_linger(conn);
  else rl_conn_close(conn, false);
}

/* A peer that sends all before it reads would never take the answer, were it not read meanwhile. */
void rl_conn_finish(rl_conn *conn, rl_linger linger) {
  if (conn->state != RL_CONN_OPEN) return;
  conn->state = RL_CONN_FINISHING;
  conn->linger = (uint8_t)linger;
  rl_conn_clock(conn, 0);
  rl_conn_read(conn, linger != RL_LINGER_NONE);
  rl_conn_flush_soon(conn);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

/* The peer takes nothing: it has had its time. */
static void on_stall(rl_timer *timer) {
  rl_conn *conn = RL_CONTAINER(timer, rl_conn, stall);
  conn->protocol->on_broken(conn, RL_ETIMEOUT);
  rl_conn_close(conn, true);
}

static void wait_to_write(rl_conn *conn, bool progress) {
  if (progress || !rl_timer_active(&conn->stall))
    rl_timer_start(conn->host->loop, &conn->stall, conn->host->limits.write_stall_ms, on_stall);
  conn->stream->ops->want_writable(conn->stream);
}

int rl_conn_send_file(rl_conn *conn, int fd, uint64_t offset, uint64_t size) {
  int code = rl_output_add_file(&conn->output, fd, offset, size);
  if (code) return code;
  conn->wants_drained = true;
  rl_conn_flush_soon(conn);
  return RL_OK;
}

void rl_conn_drop_files(rl_conn *conn) { rl_output_drop_files(&conn->output); }

static void drained(rl_conn *conn) {
  written(conn);
  if (!conn->wants_drained || conn->state != RL_CONN_OPEN) return;
  conn->wants_drained = false;
  conn->protocol->on_drained(conn);
}

static void flush(rl_conn *conn) {
  bool progress = false;
  if (conn->state == RL_CONN_CLOSED || conn->state == RL_CONN_LINGERING) return;
  int code = conn->output.bytes.error;
  if (!code) code = rl_output_write(&conn->output, conn->stream, &progress);
  switch (code) {
    case RL_OK: drained(conn); break;
    case RL_EAGAIN: wait_to_write(conn, progress); break;
    case RL_EBUSY: rl_timer_stop(conn->host->loop, &conn->stall), rl_conn_flush_soon(conn); break;
    default: broken(conn, code); break;
  }
}

static void on_flush(rl_post *post) { flush(RL_CONTAINER(post, rl_conn, flush)); }

void rl_conn_flush_soon(rl_conn *conn) {
  if (!conn->corked && conn->state != RL_CONN_CLOSED) rl_loop_post(conn->host->loop, &conn->flush, on_flush);
}

void rl_conn_uncork(rl_conn *conn) {
  conn->corked = false;
  if (rl_conn_is_writing(conn) || conn->output.bytes.error || conn->state == RL_CONN_FINISHING) flush(conn);
}

static void on_writable(rl_stream *stream) { flush(conn_of(stream)); }

/* ---- requests ---------------------------------------------------------------------------------------------------- */

void rl_conn_introduce(const rl_conn *conn, rl_req *req) {
  req->remote = conn->peer;
  req->secure = conn->stream->secure;
  req->security = conn->stream->security;
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* Beyond the limit the socket is read no more: a peer that has not taken the answer by then loses it. */
static void drop_input(rl_conn *conn, size_t len) {
  conn->lingered += len;
  if (conn->state == RL_CONN_FINISHING) {
    if (has_dropped_enough(conn)) rl_conn_read(conn, false);
  } else if (has_dropped_enough(conn)) {
    rl_conn_close(conn, false);
  } else if (conn->stopping) {
    set_linger_clock(conn);
  }
}

static void on_data(rl_stream *stream, rl_slice bytes) {
  rl_conn *conn = conn_of(stream);
  if (conn->state == RL_CONN_LINGERING || conn->state == RL_CONN_FINISHING) {
    drop_input(conn, bytes.len);
    return;
  }
  if (conn->state != RL_CONN_OPEN) return;
  rl_conn_cork(conn);
  conn->protocol->on_data(conn, bytes);
  rl_conn_uncork(conn);
}

static void on_eof(rl_stream *stream) {
  rl_conn *conn = conn_of(stream);
  conn->reading = false;
  conn->eof = true;
  if (conn->state == RL_CONN_LINGERING) rl_conn_close(conn, false);
  else if (conn->state == RL_CONN_OPEN) conn->protocol->on_eof(conn);
}

static void on_error(rl_stream *stream, int code) { broken(conn_of(stream), code); }

static const rl_stream_events stream_events = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

void rl_conn_read(rl_conn *conn, bool want) {
  if (conn->reading == want || conn->eof || conn->state == RL_CONN_CLOSED) return;
  conn->reading = want;
  if (want) conn->stream->ops->read_start(conn->stream);
  else conn->stream->ops->read_stop(conn->stream);
}

static void on_clock(rl_timer *timer) {
  rl_conn *conn = RL_CONTAINER(timer, rl_conn, clock);
  conn->protocol->on_clock(conn);
}

void rl_conn_clock(rl_conn *conn, uint64_t delay_ms) {
  if (delay_ms) rl_timer_start(conn->host->loop, &conn->clock, delay_ms, on_clock);
  else rl_timer_stop(conn->host->loop, &conn->clock);
}

void rl_conn_stop(rl_conn *conn) {
  if (conn->stopping) return;
  conn->stopping = true;
  if (conn->state == RL_CONN_OPEN) conn->protocol->on_stop(conn);
  else if (conn->state == RL_CONN_LINGERING) set_linger_clock(conn);
}

void rl_conn_cut(rl_conn *conn) {
  if (conn->state == RL_CONN_OPEN) conn->protocol->on_cut(conn);
  else if (conn->state == RL_CONN_LINGERING) rl_conn_close(conn, false);
}

/* ---- protocols --------------------------------------------------------------------------------------------------- */

/* Gives the new protocol what has come before it. It may have handed the connection on when on_data returns. */
static void hand_over(rl_conn *conn, const rl_protocol *protocol, rl_slice leftover) {
  bool cork = leftover.len && !conn->corked;
  if (cork) rl_conn_cork(conn);
  if (leftover.len) protocol->on_data(conn, leftover);
  if (cork) rl_conn_uncork(conn);
  if (conn->eof && conn->state == RL_CONN_OPEN && conn->protocol == protocol) protocol->on_eof(conn);
}

int rl_conn_become(rl_conn *conn, const rl_protocol *protocol, rl_slice leftover) {
  if (conn->state != RL_CONN_OPEN) return RL_ERESET;
  const rl_protocol *before = conn->protocol;
  void *state = conn->protocol_state;
  conn->protocol = protocol;
  conn->protocol_state = NULL;
  conn->wants_drained = false;
  rl_conn_clock(conn, 0);
  rl_conn_read(conn, true);
  int code = protocol->open(conn);
  if (code) {
    conn->protocol = NULL;
    rl_conn_close(conn, true);
  } else if (conn->state == RL_CONN_OPEN) {
    hand_over(conn, protocol, leftover);
  }
  if (before) before->on_free(conn, state);
  return code;
}

void rl_conn_init(rl_conn *conn, rl_conn_host *host, rl_stream *stream, const char *peer) {
  *conn = (rl_conn){.host = host, .stream = stream};
  rl_list_init(&conn->node);
  rl_list_init(&conn->linger_node);
  rl_post_init(&conn->flush);
  rl_output_init(&conn->output);
  size_t len = strlen(peer) < sizeof conn->peer_text ? strlen(peer) : sizeof conn->peer_text - 1;
  memcpy(conn->peer_text, peer, len);
  conn->peer = rl_slice_of(conn->peer_text, len);
  stream->events = &stream_events;
  stream->owner = conn;
}
