/* A transfer on a conn of ours: plain HTTP/1.1, the request's head written here, the response's read by the conn. */
#include <string.h>

#include "base/error.h"
#include "client/client.h"

/* ---- the head of the request ----------------------------------------------------------------------------------------------- */

static bool is_named(const rl_header *h, const char *name) { return rl_slice_eq_nocase(h->name, rl_slice_str(name)); }

/* Framing is ours to say, and credentials for a proxy are not for the origin. Host stands first. */
static bool is_left_out(const rl_header *h) {
  return is_named(h, "host") || rl_header_is_framing(h->name) || is_named(h, "proxy-authorization");
}

static void write_field(rl_buf *out, rl_slice name, rl_slice value) {
  rl_buf_add_slice(out, name);
  rl_buf_add(out, ": ", value.len ? 2 : 1);
  rl_buf_add_slice(out, value);
  rl_buf_add(out, "\r\n", 2);
}

/* RFC 9112 section 6.2. */
static void write_framing(rl_buf *out, const rl_client_request *x) {
  if (x->streamed && x->length < 0) {
    rl_buf_add_str(out, "Transfer-Encoding: chunked\r\n");
  } else if (x->has_body) {
    rl_buf_add_str(out, "Content-Length: ");
    rl_buf_add_u64(out, x->streamed ? (uint64_t)x->length : x->body.len);
    rl_buf_add(out, "\r\n", 2);
  }
}

static size_t room_for(const rl_client_request *x) {
  size_t room = strlen(x->method) + strlen(x->url) + 128;
  for (size_t i = 0; i < x->header_count; i++) room += x->headers[i].name.len + x->headers[i].value.len + 4;
  return room;
}

static bool asks_to_close(const rl_client_request *x) {
  const rl_header *h = rl_header_find_name(x->headers, x->header_count, RL_SLICE("connection"));
  return h && rl_header_has_token(h->value, RL_SLICE("close"));
}

static int write_head(rl_buf *out, const rl_client_request *x, const rl_url_parts *url) {
  const rl_header *host = rl_header_find_name(x->headers, x->header_count, RL_SLICE("host"));
  if (rl_buf_reserve(out, room_for(x))) return RL_ENOMEM;
  rl_buf_add_str(out, x->method);
  rl_buf_add_char(out, ' ');
  rl_buf_add_slice(out, url->target);
  rl_buf_add_str(out, " HTTP/1.1\r\n");
  write_field(out, RL_SLICE("Host"), host ? host->value : url->authority);
  for (size_t i = 0; i < x->header_count; i++)
    if (!is_left_out(&x->headers[i])) write_field(out, x->headers[i].name, x->headers[i].value);
  write_framing(out, x);
  rl_buf_add(out, "\r\n", 2);
  return out->error;
}

/* ---- what the conn tells --------------------------------------------------------------------------------------------------- */

static void dial(rl_transfer *t);

static rl_transfer *transfer_of(rl_client_conn *conn) { return conn->owner; }

static void on_moved(rl_client_conn *conn) { rl_transfer_touch(transfer_of(conn)); }
static int on_head(rl_client_conn *conn) { return rl_transfer_take_head(transfer_of(conn)); }

static int on_body(rl_client_conn *conn, rl_slice bytes) {
  rl_transfer *t = transfer_of(conn);
  int code = rl_transfer_take_body(t, bytes);
  if (code || rl_transfer_unread(t) <= t->high) return code;
  rl_transfer_pause(t, RL_PAUSED_RECV);
  rl_client_conn_pause(conn);
  return RL_OK;
}

static void send_next(rl_transfer *t);

static void on_sent(rl_client_conn *conn) {
  rl_transfer *t = transfer_of(conn);
  rl_transfer_note_sent(t, t->outgoing.len);
  send_next(t);
}

static void on_end(rl_client_conn *conn, bool stays) { rl_transfer_end(transfer_of(conn), stays); }

static void drop_conn(rl_transfer *t) {
  rl_client_conn_close(t->by_http1.conn);
  t->by_http1.conn = NULL;
}

/* A kept connection that turns out to be dead: what may be sent twice goes out again, once and silently, on a fresh one
 * (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1). */
static bool may_go_again(const rl_transfer *t, const rl_client_conn *conn) {
  return conn->used && !conn->answered && t->sendings < t->most && !t->streams;
}

static void on_broken(rl_client_conn *conn, int code, const char *why) {
  rl_transfer *t = transfer_of(conn);
  if (code == RL_ERESET && may_go_again(t, conn)) {
    drop_conn(t);
    rl_transfer_begin_connect(t);
    dial(t);
    return;
  }
  if (conn->used && !conn->answered && code == RL_ERESET)
    why = "the connection was closed, and the request cannot be sent again";
  rl_transfer_fail(t, code, why);
}

static const rl_client_conn_events events = {.on_moved = on_moved,
                                             .on_head = on_head,
                                             .on_body = on_body,
                                             .on_sent = on_sent,
                                             .on_end = on_end,
                                             .on_broken = on_broken};

/* ---- a body that is streamed ----------------------------------------------------------------------------------------------- */

static void refuse_length(rl_transfer *t) {
  rl_transfer_fail(t, RL_EINVALID, "the body is not as long as its Content-Length says");
}

/* The offer that there is, or the end of them; without either the clocks stand still. */
static void send_next(rl_transfer *t) {
  rl_client_conn *conn = t->by_http1.conn;
  if (t->sending_stopped) {
    rl_client_conn_stop_sending(conn);
    return;
  }
  if (t->outgoing.len) {
    int taken = rl_client_conn_send(conn, t->outgoing);
    if (taken < 0) refuse_length(t);
    else if (taken) rl_transfer_note_sent(t, t->outgoing.len);
    if (taken != 1) return;
  }
  if (!t->outgoing_ended) rl_transfer_pause(t, RL_PAUSED_SEND);
  else if (rl_client_conn_send_end(conn)) refuse_length(t);
}

/* ---- the connection -------------------------------------------------------------------------------------------------------- */

static const char unix_prefix[] = "unix:";

/* "example.com:8080", "unix:/run/it.sock" */
static rl_slice key_of(const rl_transfer *t) {
  const rl_buf *request = &t->by_http1.request;
  size_t from = t->by_http1.head_len;
  return from < request->len ? rl_slice_of(request->data + from, request->len - from - 1) : t->by_http1.url.authority;
}

static const char *unix_path_of(const rl_transfer *t) {
  bool is_unix = t->by_http1.head_len < t->by_http1.request.len;
  return is_unix ? t->by_http1.request.data + t->by_http1.head_len + strlen(unix_prefix) : NULL;
}

static void send_on(rl_transfer *t, rl_client_conn *conn) {
  rl_slice head = rl_slice_of(t->by_http1.request.data, t->by_http1.head_len);
  t->by_http1.conn = conn;
  conn->owner = t;
  conn->events = &events;
  rl_transfer_begin_request(t); /* it may: for the first time, or may_go_again has said so */
  rl_client_conn_start(conn, &(rl_outgoing){.head = head,
                                            .content = t->by_http1.content,
                                            .streamed = t->by_http1.streamed,
                                            .length = t->by_http1.length,
                                            .answer = &t->head,
                                            .to_head = t->is_head,
                                            .upgrades = t->upgrades,
                                            .last = t->by_http1.last});
  if (t->by_http1.streamed) send_next(t);
}

static void on_dialled(void *owner, int fd, int code, const char *why) {
  rl_transfer *t = owner;
  rl_slice key = key_of(t);
  t->by_http1.dial = NULL;
  if (code == RL_ETIMEOUT) t->phase = RL_PHASE_CONNECT;
  rl_client_conn *conn = code ? NULL : rl_client_conn_new(rl_transfer_loop(t), fd, rl_slice_hash(key), key);
  if (conn) send_on(t, conn);
  else rl_transfer_fail(t, code ? code : RL_ENOMEM, code ? why : NULL);
}

static void dial(rl_transfer *t) {
  t->by_http1.dial = rl_dial_new(t->pool->engine,
                                 &(rl_dial_to){.authority = t->by_http1.url.authority,
                                               .unix_path = unix_path_of(t),
                                               .policy = t->allowed ? NULL : &t->pool->policy,
                                               .timeout_ms = t->by_http1.dial_ms},
                                 on_dialled, t);
  if (!t->by_http1.dial) rl_transfer_fail(t, RL_ENOMEM, NULL);
}

/* Not one that its server has closed already, nor one on which something waits that nobody has asked for: that would be taken
 * for the answer (a 408 of a server that was tired of waiting; response splitting). */
static rl_client_conn *take_conn(rl_transfer *t) {
  rl_slice key = key_of(t);
  for (rl_client_conn *conn; (conn = rl_pool_take_conn(t->pool, rl_slice_hash(key), key));) {
    if (rl_client_conn_is_alive(conn)) return conn;
    rl_client_conn_close(conn);
  }
  return NULL;
}

/* ---- what the transfer calls ----------------------------------------------------------------------------------------------- */

/* Behind the head, which is what was written so far. */
static int keep_unix_path(rl_transfer *t, const rl_client_request *x) {
  rl_buf *request = &t->by_http1.request;
  t->by_http1.head_len = request->len;
  if (!x->route || !x->route->unix_path) return RL_OK;
  rl_buf_add_str(request, unix_prefix);
  return rl_buf_add(request, x->route->unix_path, strlen(x->route->unix_path) + 1);
}

static int prepare(rl_transfer *t, const rl_client_request *x) {
  int code = write_head(&t->by_http1.request, x, &t->by_http1.url);
  if (!code) code = keep_unix_path(t, x);
  if (code) return code;
  t->by_http1.content = x->body;
  t->by_http1.streamed = x->streamed;
  t->by_http1.length = x->length;
  t->by_http1.dial_ms = x->connect_ms ? x->connect_ms : x->total_ms;
  t->by_http1.last = asks_to_close(x);
  return RL_OK;
}

static void begin(rl_transfer *t) {
  rl_client_conn *conn = take_conn(t);
  if (conn) send_on(t, conn);
  else dial(t);
}

static void resume(rl_transfer *t, unsigned direction) {
  if (direction == RL_PAUSED_RECV) rl_client_conn_resume(t->by_http1.conn);
  else send_next(t);
}

static void leave(rl_transfer *t, bool reusable) {
  rl_client_conn *conn = t->by_http1.conn;
  if (t->by_http1.dial) rl_dial_del(t->by_http1.dial);
  t->by_http1.dial = NULL;
  t->by_http1.conn = NULL;
  if (conn && reusable) rl_pool_keep_conn(t->pool, conn);
  else if (conn) rl_client_conn_close(conn);
}

const rl_carrier rl_carrier_http1 = {.prepare = prepare, .begin = begin, .resume = resume, .leave = leave};
