/* HTTP/1.1 on connections of our own, with TLS or without; see http1.h. The request's head is written here, the response is read by the connection. */
#include "client/carrier/http1.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

typedef struct http1 {
  rl_transfer *transfer;
  rl_client_conn *conn; /* or NULL, before there is one */
  rl_dial *dial;        /* or NULL, once there is one */
  rl_trust *trust;      /* NULL: without TLS */
  rl_trust_wait ready;  /* for the trust */
  rl_slice content;
  int64_t length;
  bool streamed, last; /* last: the request says "Connection: close" */
  size_t head_len, key_at, end;
  size_t path_at; /* of a socket; 0: none */
  char text[];    /* the head that is sent; then the socket's path with its NUL; then the key */
} http1;

static http1 *state_of(const rl_transfer *t) { return t->carrier_state; }

/* ---- the head of the request ----------------------------------------------------------------------------------------------- */

static bool is_named(const rl_header *h, rl_slice name) { return rl_slice_eq_nocase(h->name, name); }

/* Framing is written below, Host stands first, and credentials for a proxy are not for the origin. */
static bool is_left_out(const rl_header *h) {
  return is_named(h, RL_SLICE("host")) || rl_header_is_framing(h->name) || is_named(h, RL_SLICE("proxy-authorization"));
}

/* An upper bound; 128 bytes are more than the version, the framing and the end take. */
static size_t room_for(const rl_client_request *r) {
  size_t room = strlen(r->method) + r->location->target.len + r->location->authority.len + 128;
  for (size_t i = 0; i < r->header_count; i++) room += r->headers[i].name.len + r->headers[i].value.len + 4;
  return room;
}

static void put(http1 *h, rl_slice text) {
  if (text.len) memcpy(h->text + h->end, text.data, text.len);
  h->end += text.len;
}

static void put_field(http1 *h, rl_slice name, rl_slice value) {
  put(h, name);
  put(h, value.len ? RL_SLICE(": ") : RL_SLICE(":"));
  put(h, value);
  put(h, RL_SLICE("\r\n"));
}

/* RFC 9112 section 6.2. */
static void put_framing(http1 *h, const rl_client_request *r) {
  if (r->streamed && r->length < 0) {
    put(h, RL_SLICE("Transfer-Encoding: chunked\r\n"));
  } else if (r->has_body) {
    char line[64];
    uint64_t length = r->streamed ? (uint64_t)r->length : r->body.len;
    int len = snprintf(line, sizeof line, "Content-Length: %llu\r\n", (unsigned long long)length);
    put(h, rl_slice_of(line, (size_t)len));
  }
}

static void put_head(http1 *h, const rl_client_request *r) {
  const rl_header *host = rl_header_find_name(r->headers, r->header_count, RL_SLICE("host"));
  put(h, rl_slice_str(r->method));
  put(h, RL_SLICE(" "));
  put(h, r->location->target);
  put(h, RL_SLICE(" HTTP/1.1\r\n"));
  put_field(h, RL_SLICE("Host"), host ? host->value : r->location->authority);
  for (size_t i = 0; i < r->header_count; i++)
    if (!is_left_out(&r->headers[i])) put_field(h, r->headers[i].name, r->headers[i].value);
  put_framing(h, r);
  put(h, RL_SLICE("\r\n"));
  h->head_len = h->end;
}

static bool asks_to_close(const rl_client_request *r) {
  for (size_t i = 0; i < r->header_count; i++)
    if (rl_slice_eq_nocase(r->headers[i].name, RL_SLICE("connection")) &&
        rl_header_has_token(r->headers[i].value, RL_SLICE("close")))
      return true;
  return false;
}

/* ---- where to -------------------------------------------------------------------------------------------------------------- */

enum { KEY_EXTRA = 32 /* the number of a trust, and spaces */ };

static const char *unix_path_of(const http1 *h) { return h->path_at ? h->text + h->path_at : NULL; }

static void put_unix_path(http1 *h, const char *path) {
  h->path_at = h->end;
  put(h, rl_slice_of(path, strlen(path) + 1));
}

/* The key of idle connections: "example.com:8080", "unix /run/it.sock"; with TLS "7 example.com:8080", "7 example.com unix /run/it.sock",
 * for a socket's path says nothing of the name that was verified. No authority has a space in it. */
static void put_key(http1 *h, const rl_client_request *r) {
  char number[KEY_EXTRA];
  h->key_at = h->end;
  if (h->trust) {
    int len = snprintf(number, sizeof number, "%llu ", (unsigned long long)rl_trust_number(h->trust));
    put(h, rl_slice_of(number, (size_t)len));
  }
  if (h->trust || !h->path_at) put(h, r->location->authority);
  if (h->path_at) put(h, h->trust ? RL_SLICE(" unix ") : RL_SLICE("unix "));
  if (h->path_at) put(h, rl_slice_str(unix_path_of(h)));
}

static rl_slice key_of(const http1 *h) { return rl_slice_of(h->text + h->key_at, h->end - h->key_at); }

/* What a certificate has to name: without the brackets of an address, and without the dot that ends a name (RFC 6066 section 3). */
static rl_slice server_name_of(const rl_location *to) {
  rl_slice host = to->host;
  if (host.len > 2 && host.data[0] == '[') return rl_slice_of(host.data + 1, host.len - 2);
  if (host.len > 1 && host.data[host.len - 1] == '.') host.len--;
  return host;
}

/* ---- what the connection tells --------------------------------------------------------------------------------------------- */

static void dial(rl_transfer *t);
static void send_next(rl_transfer *t);

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

static void on_sent(rl_client_conn *conn) {
  rl_transfer *t = transfer_of(conn);
  rl_transfer_note_sent(t, t->outgoing.len);
  send_next(t);
}

static void on_end(rl_client_conn *conn, bool reusable) { rl_transfer_end(transfer_of(conn), reusable); }

static void drop_conn(rl_transfer *t) {
  rl_client_conn_close(state_of(t)->conn);
  state_of(t)->conn = NULL;
}

/* An idle connection turned out to be dead. A request that may be sent twice is sent again, once, on a fresh one
 * (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1). */
static bool may_send_again(const rl_transfer *t, const rl_client_conn *conn) {
  return conn->used && !conn->answered && t->sendings < t->most && !t->streams;
}

static void on_broken(rl_client_conn *conn, int code, const char *why) {
  rl_transfer *t = transfer_of(conn);
  if (code == RL_ERESET && may_send_again(t, conn)) {
    drop_conn(t);
    rl_transfer_begin_connect(t);
    dial(t);
    return;
  }
  if (code == RL_ETLS && strstr(why, "no application protocol"))
    why = "the server does not speak HTTP/1.1; http2 = true offers it HTTP/2";
  if (conn->used && !conn->answered && code == RL_ERESET)
    why = "the connection was closed, and the request cannot be sent again";
  rl_transfer_fail(t, code, why);
}

static void send_on(rl_transfer *t);

static void on_open(rl_client_conn *conn) { send_on(transfer_of(conn)); }

static const rl_client_conn_events events = {.on_open = on_open,
                                             .on_moved = on_moved,
                                             .on_head = on_head,
                                             .on_body = on_body,
                                             .on_sent = on_sent,
                                             .on_end = on_end,
                                             .on_broken = on_broken};

/* ---- a body that is streamed ----------------------------------------------------------------------------------------------- */

static void refuse_length(rl_transfer *t) {
  rl_transfer_fail(t, RL_EINVALID, "the body is not as long as its Content-Length says");
}

/* Sends the bytes that were given, or the end of the body. Without either the clock stops. */
static void send_next(rl_transfer *t) {
  rl_client_conn *conn = state_of(t)->conn;
  if (t->sending_stopped) {
    rl_client_conn_stop_sending(conn);
    return;
  }
  if (t->outgoing.len) {
    int sent = rl_client_conn_send(conn, t->outgoing);
    if (sent < 0) refuse_length(t);
    else if (sent) rl_transfer_note_sent(t, t->outgoing.len);
    if (sent != 1) return;
  }
  if (!t->outgoing_ended) rl_transfer_pause(t, RL_PAUSED_SEND);
  else if (rl_client_conn_send_end(conn)) refuse_length(t);
}

/* ---- the connection -------------------------------------------------------------------------------------------------------- */

static void send_on(rl_transfer *t) {
  http1 *h = state_of(t);
  rl_transfer_begin_request(t);
  rl_client_conn_start(h->conn, &(rl_outgoing){.head = rl_slice_of(h->text, h->head_len),
                                               .content = h->content,
                                               .streamed = h->streamed,
                                               .length = h->length,
                                               .answer = &t->head,
                                               .to_head = t->is_head,
                                               .upgrades = t->upgrades,
                                               .last = h->last});
  if (h->streamed) send_next(t);
}

static void take_over(rl_transfer *t, rl_client_conn *conn) {
  state_of(t)->conn = conn;
  conn->owner = t;
  conn->events = &events;
}

static void on_dialled(void *owner, int fd, int code, const char *why) {
  rl_transfer *t = owner;
  http1 *h = state_of(t);
  rl_client_conn_to to = {.key = key_of(h)};
  h->dial = NULL;
  if (h->trust) to.tls = rl_trust_client(h->trust), to.server_name = server_name_of(t->location);
  rl_client_conn *conn = code ? NULL : rl_client_conn_new(rl_transfer_loop(t), fd, &to);
  if (!conn) {
    rl_transfer_fail(t, code ? code : RL_ENOMEM, code ? why : NULL);
    return;
  }
  take_over(t, conn);
  if (!conn->opening) send_on(t);
}

static void dial(rl_transfer *t) {
  http1 *h = state_of(t);
  h->dial = rl_dial_new(rl_transfer_loop(t), rl_engine_resolver(t->pool->engine),
                        &(rl_dial_to){.host = t->location->host,
                                      .port = t->location->port,
                                      .unix_path = unix_path_of(h),
                                      .policy = t->allowed ? NULL : &t->pool->policy},
                        on_dialled, t);
  if (!h->dial) rl_transfer_fail(t, RL_ENOMEM, NULL);
}

/* Takes an idle connection, unless its server has closed it or has sent bytes: nobody asked for them, so they would be taken
 * for the answer (a 408 of a server that closes idle connections; response splitting). */
static rl_client_conn *take_conn(rl_transfer *t) {
  rl_slice key = key_of(state_of(t));
  for (rl_client_conn *conn; (conn = rl_pool_take_conn(t->pool, rl_slice_hash(key), key));) {
    if (rl_client_conn_is_alive(conn)) return conn;
    rl_client_conn_close(conn);
  }
  return NULL;
}

static void connect_or_reuse(rl_transfer *t) {
  rl_client_conn *conn = take_conn(t);
  if (conn) take_over(t, conn), send_on(t);
  else dial(t);
}

static void on_ready(rl_trust_wait *ready, int code, const char *why) {
  rl_transfer *t = RL_CONTAINER(ready, http1, ready)->transfer;
  if (code) rl_transfer_fail(t, code, why);
  else connect_or_reuse(t);
}

/* ---- what the transfer calls ----------------------------------------------------------------------------------------------- */

static rl_trust *trust_for(rl_transfer *t, const rl_route *route) {
  rl_trust_options options = {0};
  if (route)
    options = (rl_trust_options){.ca = route->ca, .cert = route->cert, .key = route->key, .insecure = route->insecure};
  return rl_trusts_find(&t->pool->trusts, &options);
}

static int prepare(rl_transfer *t, const rl_client_request *r) {
  const char *unix_path = r->route ? r->route->unix_path : NULL;
  size_t paths = unix_path ? 2 * strlen(unix_path) : 0;
  http1 *h = rl_alloc(sizeof *h + room_for(r) + paths + r->location->authority.len + KEY_EXTRA);
  if (!h) return RL_ENOMEM;
  *h = (http1){.transfer = t,
               .ready.on_ready = on_ready,
               .content = r->body,
               .length = r->length,
               .streamed = r->streamed,
               .last = asks_to_close(r)};
  rl_list_init(&h->ready.node);
  h->trust = r->location->secure ? trust_for(t, r->route) : NULL;
  if (r->location->secure && !h->trust) {
    rl_free(h);
    return RL_ENOMEM;
  }
  put_head(h, r);
  if (unix_path) put_unix_path(h, unix_path);
  put_key(h, r);
  t->carrier_state = h;
  return RL_OK;
}

static void begin(rl_transfer *t) {
  http1 *h = state_of(t);
  if (!h->trust || rl_trust_ready(h->trust, &h->ready)) connect_or_reuse(t);
}

static void resume(rl_transfer *t, unsigned direction) {
  if (direction == RL_PAUSED_RECV) rl_client_conn_resume(state_of(t)->conn);
  else send_next(t);
}

static void leave(rl_transfer *t, bool reusable) {
  http1 *h = state_of(t);
  rl_trust_leave(&h->ready);
  if (h->dial) rl_dial_del(h->dial);
  if (h->conn && reusable) rl_pool_keep_conn(t->pool, h->conn);
  else if (h->conn) rl_client_conn_close(h->conn);
  if (h->trust) rl_trust_unref(h->trust);
  rl_free(h);
}

const rl_carrier rl_carrier_http1 = {.prepare = prepare, .begin = begin, .resume = resume, .leave = leave};
