/* A client's connection and the exchange on it; see connection.h. */
#include "client/connection.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "net/tls/tls.h"

static rl_client_conn *conn_of(rl_stream *stream) { return stream->owner; }
static const rl_stream_ops *ops_of(const rl_client_conn *conn) { return conn->stream->ops; }

static void break_off(rl_client_conn *conn, int code, const char *why) {
  conn->busy = false;
  conn->events->on_broken(conn, code, why);
}

/* ---- writing ----------------------------------------------------------------------------------------------------- */

enum { MOST_PARTS = 4 };

static const char crlf_text[2] = {'\r', '\n'};

static void add_part(struct iovec *parts, int *count, const char *data, size_t len) {
  if (len) parts[(*count)++] = (struct iovec){.iov_base = (void *)(uintptr_t)data, .iov_len = len};
}

static int gather(const rl_client_conn *conn, struct iovec parts[MOST_PARTS]) {
  int count = 0;
  add_part(parts, &count, conn->head.data, conn->head.len);
  add_part(parts, &count, conn->size.data, conn->size.len);
  add_part(parts, &count, conn->content.data, conn->content.len);
  add_part(parts, &count, crlf_text + sizeof crlf_text - conn->crlf, conn->crlf);
  return count;
}

static size_t cut(rl_slice *part, size_t count) {
  size_t n = count < part->len ? count : part->len;
  rl_slice_skip(part, n);
  return count - n;
}

static void note_written(rl_client_conn *conn, size_t count) {
  conn->burst += count;
  count = cut(&conn->head, count);
  count = cut(&conn->size, count);
  count = cut(&conn->content, count);
  conn->crlf = (uint8_t)(conn->crlf - count);
}

/* A peer that takes no more may have answered already: the read side says how the exchange ends. */
static void stop_writing(rl_client_conn *conn) {
  conn->write_closed = true;
  conn->head = conn->size = conn->content = RL_SLICE_NONE;
  conn->crlf = 0;
}

/* A fast peer must not keep the loop busy with one request: after so many bytes the others come first. */
static bool is_fair(const rl_client_conn *conn) { return conn->burst < RL_LIMIT_WRITE_HIGH; }

static bool write_later(rl_client_conn *conn) {
  ops_of(conn)->want_writable(conn->stream);
  return false;
}

/* Writes what the socket takes. Returns true if all is with the kernel. */
static bool write_out(rl_client_conn *conn) {
  struct iovec parts[MOST_PARTS];
  for (int count; (count = gather(conn, parts));) {
    ssize_t n = is_fair(conn) ? ops_of(conn)->write(conn->stream, parts, count) : RL_EAGAIN;
    if (n == RL_EAGAIN) return write_later(conn);
    if (n < 0) stop_writing(conn);
    else note_written(conn, (size_t)n);
  }
  if (conn->write_closed) return false;
  conn->sent = !conn->streamed || (conn->ended && !conn->sending);
  return true;
}

/* There is room because the peer has taken bytes, or because the handshake is done. */
static void on_writable(rl_stream *stream) {
  rl_client_conn *conn = conn_of(stream);
  conn->burst = 0;
  if (conn->opening) {
    conn->opening = false;
    conn->events->on_open(conn);
    return;
  }
  if (!conn->busy) return;
  bool taken = write_out(conn) && conn->sending;
  if (taken) conn->sending = false;
  conn->events->on_moved(conn);
  if (taken && conn->busy) conn->events->on_sent(conn);
}

void rl_client_conn_start(rl_client_conn *conn, const rl_outgoing *outgoing) {
  rl_response_reader_start(&conn->reader, outgoing->answer, outgoing->to_head, outgoing->upgrades);
  conn->head = outgoing->head;
  conn->size = RL_SLICE_NONE;
  conn->crlf = 0;
  conn->content = outgoing->content;
  conn->streamed = outgoing->streamed;
  conn->chunked = outgoing->streamed && outgoing->length < 0;
  conn->left = outgoing->length > 0 ? (uint64_t)outgoing->length : 0;
  conn->last = outgoing->last;
  conn->busy = true;
  conn->burst = 0;
  conn->sending = conn->ended = conn->sent = conn->write_closed = conn->answered = conn->was_reset = false;
  write_out(conn);
}

/* ---- a streamed body --------------------------------------------------------------------------------------------- */

static void frame_chunk(rl_client_conn *conn, size_t size) {
  int len = snprintf(conn->line, sizeof conn->line, "%zx\r\n", size);
  conn->size = rl_slice_of(conn->line, (size_t)len);
  conn->crlf = sizeof crlf_text;
}

int rl_client_conn_send(rl_client_conn *conn, rl_slice bytes) {
  if (!conn->chunked && bytes.len > conn->left) return RL_EINVALID;
  conn->left -= conn->chunked ? 0 : bytes.len;
  conn->sending = true;
  if (conn->write_closed) return 0;
  if (conn->chunked) frame_chunk(conn, bytes.len);
  conn->content = bytes;
  if (!write_out(conn) || (!is_fair(conn) && !write_later(conn))) return 0;
  conn->sending = false;
  return 1;
}

int rl_client_conn_send_end(rl_client_conn *conn) {
  if (!conn->chunked && conn->left) return RL_EINVALID;
  conn->ended = true;
  if (conn->write_closed) return 0;
  if (conn->chunked) conn->size = RL_SLICE("0\r\n\r\n");
  write_out(conn);
  return 0;
}

void rl_client_conn_stop_sending(rl_client_conn *conn) { stop_writing(conn); }

/* ---- reading ----------------------------------------------------------------------------------------------------- */

static void finish(rl_client_conn *conn, bool stays) {
  conn->busy = false;
  stays = stays && conn->reader.keep_alive && conn->sent && !conn->write_closed && !conn->last;
  conn->used = true;
  if (stays) rl_client_conn_resume(conn); /* so that its end is noticed */
  conn->events->on_end(conn, stays);
}

/* Tells the owner of one event of the reader. Returns false if there is nothing more to do with these bytes. */
static bool tell(rl_client_conn *conn, rl_slice *in) {
  int code = RL_OK;
  switch (rl_response_reader_next(&conn->reader, in)) {
    case RL_RESPONSE_MORE: return false;
    case RL_RESPONSE_HEAD: code = conn->events->on_head(conn); break;
    case RL_RESPONSE_BODY: code = conn->events->on_body(conn, conn->reader.piece); break;
    case RL_RESPONSE_END: finish(conn, in->len == 0); return false;
    case RL_RESPONSE_FAULT: break_off(conn, conn->reader.code, conn->reader.why); return false;
  }
  if (!code) return conn->busy;
  break_off(conn, code, NULL);
  return false;
}

/* Something has come on a connection that nobody uses. */
static void lose(rl_client_conn *conn) {
  if (conn->looking) conn->gone = true;
  else conn->events->on_lost(conn);
}

static void on_data(rl_stream *stream, rl_slice bytes) {
  rl_client_conn *conn = conn_of(stream);
  if (!conn->busy) {
    lose(conn);
    return;
  }
  conn->answered = true;
  conn->events->on_moved(conn);
  while (tell(conn, &bytes)) continue;
}

static void break_by_reset(rl_client_conn *conn) { break_off(conn, RL_ERESET, "the connection was reset"); }

/* Whatever ends a handshake, there is no secure connection. */
static void break_handshake(rl_client_conn *conn, int code) {
  conn->opening = false;
  break_off(conn, code == RL_ENOMEM ? code : RL_ETLS, rl_tls_why(conn->tls));
}

/* The bytes below have ended without close_notify, or TLS has found a fault. What came before was told. */
static void break_by_tls(rl_client_conn *conn, int code) {
  if (code != RL_ERESET) break_off(conn, code, rl_tls_why(conn->tls));
  else if (conn->reader.until_end) break_off(conn, code, "the connection was closed without TLS's close_notify");
  else if (rl_response_reader_eof(&conn->reader) == RL_RESPONSE_END) finish(conn, false);
  else break_off(conn, conn->reader.code, conn->reader.why);
}

static void on_eof(rl_stream *stream) {
  rl_client_conn *conn = conn_of(stream);
  if (conn->opening) break_handshake(conn, RL_ETLS);
  else if (!conn->busy) lose(conn);
  else if (conn->was_reset) break_by_reset(conn);
  else if (rl_response_reader_eof(&conn->reader) == RL_RESPONSE_END) finish(conn, false);
  else break_off(conn, conn->reader.code, conn->reader.why);
}

static void on_error(rl_stream *stream, int code) {
  rl_client_conn *conn = conn_of(stream);
  if (conn->opening) break_handshake(conn, code);
  else if (!conn->busy) lose(conn);
  else if (conn->tls) break_by_tls(conn, code);
  else if (conn->paused) conn->was_reset = true; /* found again as an end, after what came before */
  else break_by_reset(conn);
}

void rl_client_conn_pause(rl_client_conn *conn) {
  conn->paused = true;
  ops_of(conn)->read_stop(conn->stream);
}

void rl_client_conn_resume(rl_client_conn *conn) {
  conn->paused = false;
  ops_of(conn)->read_start(conn->stream);
}

/* TLS reads what may be its own. A server that sends that without end is of no use either. */
static bool is_alive_after_reading(rl_client_conn *conn) {
  enum { READS = 4 };
  conn->looking = true;
  for (int i = 0; i < READS && !conn->gone && rl_socket_has_news(conn->tcp.fd); i++) rl_tcp_read_now(&conn->tcp);
  conn->looking = false;
  return !conn->gone && !rl_socket_has_news(conn->tcp.fd);
}

bool rl_client_conn_is_alive(rl_client_conn *conn) {
  if (!rl_socket_has_news(conn->tcp.fd)) return true;
  return conn->tls && is_alive_after_reading(conn);
}

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void on_closed(rl_stream *stream) {
  rl_client_conn *conn = conn_of(stream);
  rl_response_reader_free(&conn->reader);
  rl_free(conn->tls);
  rl_free(conn);
}

static const rl_stream_events stream_events = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

/* Puts TLS above the socket. */
static bool secure(rl_client_conn *conn, rl_loop *loop, const rl_client_conn_to *to) {
  conn->tls = rl_alloc(sizeof *conn->tls);
  if (!conn->tls || rl_tls_connect(conn->tls, loop, &conn->tcp.stream, to->tls, to->server_name)) return false;
  conn->stream = &conn->tls->stream;
  conn->opening = true;
  return true;
}

rl_client_conn *rl_client_conn_new(rl_loop *loop, int fd, const rl_client_conn_to *to) {
  rl_client_conn *conn = rl_calloc(1, sizeof *conn + to->key.len);
  if (!conn) close(fd);
  if (!conn) return NULL;
  if (rl_tcp_init(&conn->tcp, loop, fd)) {
    rl_free(conn);
    return NULL;
  }
  conn->stream = &conn->tcp.stream;
  rl_list_init(&conn->node);
  rl_response_reader_init(&conn->reader);
  conn->origin = rl_slice_hash(to->key);
  conn->key_len = to->key.len;
  memcpy(conn->key, to->key.data, to->key.len);
  bool made = !to->tls || secure(conn, loop, to);
  conn->stream->events = &stream_events;
  conn->stream->owner = conn;
  if (!made) rl_client_conn_close(conn);
  if (!made) return NULL;
  ops_of(conn)->read_start(conn->stream);
  if (conn->opening) ops_of(conn)->want_writable(conn->stream);
  return conn;
}

void rl_client_conn_close(rl_client_conn *conn) {
  conn->busy = false;
  rl_list_remove(&conn->node);
  ops_of(conn)->close(conn->stream, false);
}
