/* A client's connection and the exchange on it; see connection.h. */
#include "client/connection.h"

#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"

static rl_client_conn *conn_of(rl_stream *stream) { return (rl_client_conn *)stream; }
static const rl_stream_ops *ops_of(const rl_client_conn *conn) { return conn->tcp.stream.ops; }

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
  ops_of(conn)->want_writable(&conn->tcp.stream);
  return false;
}

/* Writes what the socket takes. Returns true if all is with the kernel. */
static bool write_out(rl_client_conn *conn) {
  struct iovec parts[MOST_PARTS];
  for (int count; (count = gather(conn, parts));) {
    ssize_t n = is_fair(conn) ? ops_of(conn)->write(&conn->tcp.stream, parts, count) : RL_EAGAIN;
    if (n == RL_EAGAIN) return write_later(conn);
    if (n < 0) stop_writing(conn);
    else note_written(conn, (size_t)n);
  }
  if (conn->write_closed) return false;
  conn->sent = !conn->streamed || (conn->ended && !conn->sending);
  return true;
}

/* There is room because the peer has taken bytes. */
static void on_writable(rl_stream *stream) {
  rl_client_conn *conn = conn_of(stream);
  conn->burst = 0;
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

static void on_data(rl_stream *stream, rl_slice bytes) {
  rl_client_conn *conn = conn_of(stream);
  if (!conn->busy) {
    conn->events->on_lost(conn);
    return;
  }
  conn->answered = true;
  conn->events->on_moved(conn);
  while (tell(conn, &bytes)) continue;
}

static void break_by_reset(rl_client_conn *conn) { break_off(conn, RL_ERESET, "the connection was reset"); }

static void on_eof(rl_stream *stream) {
  rl_client_conn *conn = conn_of(stream);
  if (!conn->busy) conn->events->on_lost(conn);
  else if (conn->was_reset) break_by_reset(conn);
  else if (rl_response_reader_eof(&conn->reader) == RL_RESPONSE_END) finish(conn, false);
  else break_off(conn, conn->reader.code, conn->reader.why);
}

static void on_error(rl_stream *stream, int code) {
  rl_client_conn *conn = conn_of(stream);
  (void)code;
  if (!conn->busy) conn->events->on_lost(conn);
  else if (conn->paused) conn->was_reset = true; /* found again as an end, after what came before */
  else break_by_reset(conn);
}

void rl_client_conn_pause(rl_client_conn *conn) {
  conn->paused = true;
  ops_of(conn)->read_stop(&conn->tcp.stream);
}

void rl_client_conn_resume(rl_client_conn *conn) {
  conn->paused = false;
  ops_of(conn)->read_start(&conn->tcp.stream);
}

bool rl_client_conn_is_alive(const rl_client_conn *conn) { return !rl_socket_has_news(conn->tcp.fd); }

/* ---- life -------------------------------------------------------------------------------------------------------- */

static void on_closed(rl_stream *stream) {
  rl_client_conn *conn = conn_of(stream);
  rl_response_reader_free(&conn->reader);
  rl_free(conn);
}

static const rl_stream_events stream_events = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

rl_client_conn *rl_client_conn_new(rl_loop *loop, int fd, uint64_t origin, rl_slice key) {
  rl_client_conn *conn = rl_calloc(1, sizeof *conn + key.len);
  if (!conn) {
    close(fd);
    return NULL;
  }
  if (rl_tcp_init(&conn->tcp, loop, fd)) {
    rl_free(conn);
    return NULL;
  }
  conn->tcp.stream.events = &stream_events;
  rl_list_init(&conn->node);
  rl_response_reader_init(&conn->reader);
  conn->origin = origin;
  conn->key_len = key.len;
  memcpy(conn->key, key.data, key.len);
  ops_of(conn)->read_start(&conn->tcp.stream);
  return conn;
}

void rl_client_conn_close(rl_client_conn *conn) {
  conn->busy = false;
  rl_list_remove(&conn->node);
  ops_of(conn)->close(&conn->tcp.stream, false);
}
