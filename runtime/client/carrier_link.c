/* A transfer on a link of ours: plain HTTP/1.1, the request's head written here, the response's read by the link. */
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
static void write_framing(rl_buf *out, const rl_exchange *x) {
  if (x->streamed && x->length < 0) {
    rl_buf_add_str(out, "Transfer-Encoding: chunked\r\n");
  } else if (x->has_body) {
    rl_buf_add_str(out, "Content-Length: ");
    rl_buf_add_u64(out, x->streamed ? (uint64_t)x->length : x->body.len);
    rl_buf_add(out, "\r\n", 2);
  }
}

static size_t room_for(const rl_exchange *x) {
  size_t room = strlen(x->method) + strlen(x->url) + 128;
  for (size_t i = 0; i < x->header_count; i++) room += x->headers[i].name.len + x->headers[i].value.len + 4;
  return room;
}

static bool asks_to_close(const rl_exchange *x) {
  const rl_header *h = rl_header_find_name(x->headers, x->header_count, RL_SLICE("connection"));
  return h && rl_header_has_token(h->value, RL_SLICE("close"));
}

static int write_head(rl_buf *out, const rl_exchange *x, const rl_url_parts *url) {
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

/* ---- what the link tells --------------------------------------------------------------------------------------------------- */

static void dial(rl_transfer *t);

static rl_transfer *transfer_of(rl_link *link) { return link->owner; }

static void on_moved(rl_link *link) { rl_transfer_touch(transfer_of(link)); }
static int on_head(rl_link *link) { return rl_transfer_take_head(transfer_of(link)); }

static int on_body(rl_link *link, rl_slice bytes) {
  rl_transfer *t = transfer_of(link);
  int code = rl_transfer_take_body(t, bytes);
  if (code || rl_transfer_unread(t) <= t->high) return code;
  rl_transfer_pause(t, RL_PAUSED_RECV);
  rl_link_pause(link);
  return RL_OK;
}

static void offer_next(rl_transfer *t);

static void on_taken(rl_link *link) {
  rl_transfer *t = transfer_of(link);
  rl_transfer_take_offer(t, t->offer.len);
  offer_next(t);
}

static void on_end(rl_link *link, bool stays) { rl_transfer_end(transfer_of(link), stays); }

static void drop_link(rl_transfer *t) {
  rl_link_close(t->by_link.link);
  t->by_link.link = NULL;
}

/* A kept connection that turns out to be dead: what may be sent twice goes out again, once and silently, on a fresh one
 * (RFC 9110 section 9.2.2, RFC 9112 section 9.3.1). */
static bool may_go_again(const rl_transfer *t, const rl_link *link) {
  return link->used && !link->answered && t->sendings < t->most && !t->offers;
}

static void on_broken(rl_link *link, int code, const char *why) {
  rl_transfer *t = transfer_of(link);
  if (code == RL_ERESET && may_go_again(t, link)) {
    drop_link(t);
    rl_transfer_connects(t);
    dial(t);
    return;
  }
  if (link->used && !link->answered && code == RL_ERESET)
    why = "the connection was closed, and the request cannot be sent again";
  rl_transfer_fail(t, code, why);
}

static const rl_link_events events = {.on_moved = on_moved,
                                      .on_head = on_head,
                                      .on_body = on_body,
                                      .on_taken = on_taken,
                                      .on_end = on_end,
                                      .on_broken = on_broken};

/* ---- a body that is streamed ----------------------------------------------------------------------------------------------- */

static void refuse_length(rl_transfer *t) {
  rl_transfer_fail(t, RL_EINVALID, "the body is not as long as its Content-Length says");
}

/* The offer that there is, or the end of them; without either the clocks stand still. */
static void offer_next(rl_transfer *t) {
  rl_link *link = t->by_link.link;
  if (t->cut) {
    rl_link_cut(link);
    return;
  }
  if (t->offer.len) {
    int taken = rl_link_offer(link, t->offer);
    if (taken < 0) refuse_length(t);
    else if (taken) rl_transfer_take_offer(t, t->offer.len);
    if (taken != 1) return;
  }
  if (!t->offers_ended) rl_transfer_pause(t, RL_PAUSED_SEND);
  else if (rl_link_offer_end(link)) refuse_length(t);
}

/* ---- the connection -------------------------------------------------------------------------------------------------------- */

static const char unix_prefix[] = "unix:";

/* "example.com:8080", "unix:/run/it.sock" */
static rl_slice key_of(const rl_transfer *t) {
  const rl_buf *request = &t->by_link.request;
  size_t from = t->by_link.head_len;
  return from < request->len ? rl_slice_of(request->data + from, request->len - from - 1) : t->by_link.url.authority;
}

static const char *unix_path_of(const rl_transfer *t) {
  bool is_unix = t->by_link.head_len < t->by_link.request.len;
  return is_unix ? t->by_link.request.data + t->by_link.head_len + strlen(unix_prefix) : NULL;
}

static void send_on(rl_transfer *t, rl_link *link) {
  rl_slice head = rl_slice_of(t->by_link.request.data, t->by_link.head_len);
  t->by_link.link = link;
  link->owner = t;
  link->events = &events;
  rl_transfer_sends(t); /* it may: for the first time, or may_go_again has said so */
  rl_link_start(link, &(rl_sending){.head = head,
                                    .content = t->by_link.content,
                                    .streamed = t->by_link.streamed,
                                    .length = t->by_link.length,
                                    .answer = &t->head,
                                    .to_head = t->is_head,
                                    .upgrades = t->upgrades,
                                    .last = t->by_link.last});
  if (t->by_link.streamed) offer_next(t);
}

static void on_dialled(void *owner, int fd, int code, const char *why) {
  rl_transfer *t = owner;
  rl_slice key = key_of(t);
  t->by_link.dial = NULL;
  if (code == RL_ETIMEOUT) t->phase = RL_PHASE_CONNECT;
  rl_link *link = code ? NULL : rl_link_new(rl_transfer_loop(t), fd, rl_slice_hash(key), key);
  if (link) send_on(t, link);
  else rl_transfer_fail(t, code ? code : RL_ENOMEM, code ? why : NULL);
}

static void dial(rl_transfer *t) {
  t->by_link.dial = rl_dial_new(t->pool->engine,
                                &(rl_dial_to){.authority = t->by_link.url.authority,
                                              .unix_path = unix_path_of(t),
                                              .guard = t->allowed ? NULL : &t->pool->guard,
                                              .timeout_ms = t->by_link.dial_ms},
                                on_dialled, t);
  if (!t->by_link.dial) rl_transfer_fail(t, RL_ENOMEM, NULL);
}

/* Not one that its server has closed already, nor one on which something waits that nobody has asked for: that would be taken
 * for the answer (a 408 of a server that was tired of waiting; response splitting). */
static rl_link *take_link(rl_transfer *t) {
  rl_slice key = key_of(t);
  for (rl_link *link; (link = rl_pool_take_link(t->pool, rl_slice_hash(key), key));) {
    if (rl_link_is_alive(link)) return link;
    rl_link_close(link);
  }
  return NULL;
}

/* ---- what the transfer calls ----------------------------------------------------------------------------------------------- */

/* Behind the head, which is what was written so far. */
static int keep_unix_path(rl_transfer *t, const rl_exchange *x) {
  rl_buf *request = &t->by_link.request;
  t->by_link.head_len = request->len;
  if (!x->route || !x->route->unix_path) return RL_OK;
  rl_buf_add_str(request, unix_prefix);
  return rl_buf_add(request, x->route->unix_path, strlen(x->route->unix_path) + 1);
}

static int prepare(rl_transfer *t, const rl_exchange *x) {
  int code = write_head(&t->by_link.request, x, &t->by_link.url);
  if (!code) code = keep_unix_path(t, x);
  if (code) return code;
  t->by_link.content = x->body;
  t->by_link.streamed = x->streamed;
  t->by_link.length = x->length;
  t->by_link.dial_ms = x->connect_ms ? x->connect_ms : x->total_ms;
  t->by_link.last = asks_to_close(x);
  return RL_OK;
}

static void begin(rl_transfer *t) {
  rl_link *link = take_link(t);
  if (link) send_on(t, link);
  else dial(t);
}

static void resume(rl_transfer *t, unsigned direction) {
  if (direction == RL_PAUSED_RECV) rl_link_resume(t->by_link.link);
  else offer_next(t);
}

static void leave(rl_transfer *t, bool reusable) {
  rl_link *link = t->by_link.link;
  if (t->by_link.dial) rl_dial_del(t->by_link.dial);
  t->by_link.dial = NULL;
  t->by_link.link = NULL;
  if (link && reusable) rl_pool_keep_link(t->pool, link);
  else if (link) rl_link_close(link);
}

const rl_carrier rl_carrier_link = {.prepare = prepare, .begin = begin, .resume = resume, .leave = leave};
