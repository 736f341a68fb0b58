/* One request on one libcurl transfer; see transfer.h. */
#include "client/transfer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/location.h"

enum { HIGH_WHILE_READ = 4 * RL_LIMIT_CLIENT_UNREAD };

static rl_loop *loop_of(const rl_transfer *t) { return rl_engine_loop(t->pool->engine); }

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

static void stop_timers(rl_transfer *t) {
  rl_timer_stop(loop_of(t), &t->total);
  rl_timer_stop(loop_of(t), &t->step);
}

/* Out of curl and out of the pool; the next transfer gets the place. */
static void leave(rl_transfer *t, bool reusable) {
  rl_slot *slot = t->slot;
  stop_timers(t);
  t->offer = RL_SLICE_NONE;
  t->slot = NULL;
  if (slot) {
    rl_engine_remove(t->pool->engine, &slot->wire);
    rl_slot_give(slot, reusable);
  }
  rl_pool_withdraw(t->pool, t);
  t->state = RL_TRANSFER_ENDED;
}

static bool is_under_way(const rl_transfer *t) { return t->state != RL_TRANSFER_NEW && t->state != RL_TRANSFER_ENDED; }

static void note_failure(rl_transfer *t, int code, const char *message) {
  if (t->code) return; /* the first one is the cause */
  t->code = code;
  t->message = message ? rl_strndup(message, strlen(message)) : NULL;
}

void rl_transfer_fail(rl_transfer *t, int code, const char *message) {
  note_failure(t, code, message);
  if (!is_under_way(t)) return;
  leave(t, false);
  t->on_progress(t);
}

void rl_transfer_stop(rl_transfer *t) {
  if (is_under_way(t)) leave(t, false);
}

/* ---- deadlines ----------------------------------------------------------------------------------------------------------- */

static void expire(rl_transfer *t, int phase, const char *message) {
  t->phase = (uint8_t)phase;
  rl_transfer_fail(t, RL_ETIMEOUT, message);
}

static void on_total(rl_timer *timer) {
  expire(RL_CONTAINER(timer, rl_transfer, total), RL_PHASE_TOTAL, "took too long");
}

static void on_step(rl_timer *timer) {
  rl_transfer *t = RL_CONTAINER(timer, rl_transfer, step);
  if (t->state == RL_TRANSFER_CONNECTING) expire(t, RL_PHASE_CONNECT, "could not connect in time");
  else expire(t, RL_PHASE_READ, "nothing came for too long");
}

/* Bytes have moved: the clock between two of them starts anew. It stands still while we ourselves hold things up. */
static void touch(rl_transfer *t) {
  if (t->read_ms && t->state == RL_TRANSFER_RUNNING && !t->paused)
    rl_timer_start(loop_of(t), &t->step, t->read_ms, on_step);
}

/* ---- what curl calls ------------------------------------------------------------------------------------------------------- */

static rl_transfer *transfer_of(void *ud) { return ((rl_slot *)ud)->transfer; }

static curl_socket_t on_open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  rl_transfer *t = transfer_of(ud);
  if (!t->allowed && !rl_guard_address(&t->pool->guard, &address->addr)) {
    t->denied = true;
    return CURL_SOCKET_BAD;
  }
  t->slot->wire.connected = false; /* a second connection, where the first was dead */
  return rl_engine_socket(t->pool->engine, address);
}

/* A connection is there and the request is about to leave on it, a kept one perhaps. Sent again is what may be: once, where
 * it changes nothing (RFC 9110 section 9.2.2). A digest exchange sends twice in any case. */
static int on_connected(void *ud, char *address, char *local, int port, int local_port) {
  (void)local, (void)local_port;
  rl_transfer *t = transfer_of(ud);
  int most = 1 + t->idempotent + t->digest;
  if (!t->allowed && !rl_guard_text(&t->pool->guard, address, port)) {
    t->denied = true;
    return CURL_PREREQFUNC_ABORT;
  }
  if (++t->sendings > most) return CURL_PREREQFUNC_ABORT;
  rl_timer_stop(loop_of(t), &t->step);
  t->state = RL_TRANSFER_RUNNING;
  t->slot->wire.connected = true;
  touch(t);
  return CURL_PREREQFUNC_OK;
}

/* Whether the head that is complete is the one to show: not 100 Continue, nor the challenge that curl will answer. */
static bool is_final(const rl_transfer *t) {
  if (t->head.status < 200 && t->head.status != 101) return false;
  return !(t->digest && t->head.status == 401 && t->sendings == 1);
}

static int make_decoder(rl_transfer *t) {
  rl_slice coding = rl_head_find(&t->head, RL_SLICE("content-encoding"));
  if (!t->decode || t->is_head || !coding.data || t->head.status == 204 || t->head.status == 304) return RL_OK;
  return rl_decoder_new(coding, &t->decoder);
}

static int accept_head(rl_transfer *t) {
  int code = make_decoder(t);
  if (code) return code;
  t->has_head = true;
  t->on_progress(t);
  return RL_OK;
}

static int take_line(rl_transfer *t, rl_slice line) {
  if (t->has_head || (t->head.complete && !rl_head_is_status_line(line))) return RL_OK; /* a trailer */
  int code = rl_head_add(&t->head, line);
  return code || !t->head.complete || !is_final(t) ? code : accept_head(t);
}

static const char *describe(int code) {
  if (code == RL_ETOOBIG) return "the head of the response is larger than what is taken";
  if (code == RL_EUNSUPPORTED) return "the response has a content coding that was not asked for";
  return code == RL_EPROTOCOL ? "the head of the response is malformed" : NULL;
}

static void refuse_head(rl_transfer *t, int code) {
  note_failure(t, code == RL_EUNSUPPORTED ? RL_EPROTOCOL : code, describe(code));
}

static size_t on_header(char *data, size_t size, size_t count, void *ud) {
  rl_transfer *t = transfer_of(ud);
  touch(t);
  int code = take_line(t, rl_slice_of(data, size * count));
  if (code) refuse_head(t, code);
  return code ? 0 : size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *ud) {
  rl_transfer *t = transfer_of(ud);
  size_t len = size * count;
  if (t->body.len - t->body_at >= t->high) {
    t->paused |= CURLPAUSE_RECV;
    rl_timer_stop(loop_of(t), &t->step);
    return CURL_WRITEFUNC_PAUSE;
  }
  touch(t);
  int code = t->has_head ? RL_OK : accept_head(t); /* a digest challenge that curl does not answer */
  if (code) refuse_head(t, code);
  if (!code && (code = rl_buf_add(&t->body, data, len))) note_failure(t, code, NULL);
  if (code) return 0;
  t->on_progress(t);
  return len;
}

static size_t on_upload(char *out, size_t size, size_t count, void *ud) {
  rl_transfer *t = transfer_of(ud);
  size_t room = size * count, n = t->offer.len < room ? t->offer.len : room;
  if (!n && t->offers_ended) return 0;
  if (!n) {
    t->paused |= CURLPAUSE_SEND;
    rl_timer_stop(loop_of(t), &t->step);
    return CURL_READFUNC_PAUSE;
  }
  memcpy(out, t->offer.data, n);
  t->offer = rl_slice_of(t->offer.data + n, t->offer.len - n);
  touch(t);
  if (!t->offer.len) t->on_progress(t);
  return n;
}

/* What was streamed is gone: a request that curl would have to send again from its beginning fails. */
static int on_rewind(void *ud, curl_off_t offset, int origin) {
  rl_transfer *t = transfer_of(ud);
  (void)offset, (void)origin;
  return t->offers ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

/* ---- what curl says of its end ------------------------------------------------------------------------------------------- */

static void on_done(rl_wire *wire, CURLcode result) {
  rl_slot *slot = (rl_slot *)wire;
  rl_transfer *t = slot->transfer;
  char text[RL_FAILURE_TEXT];
  if (result && !t->code) {
    int code = rl_failure_of(slot, result, text);
    note_failure(t, code, text);
    if (code == RL_ETIMEOUT) t->phase = RL_PHASE_CONNECT;
  }
  int code = !result && !t->has_head ? accept_head(t) : RL_OK; /* a digest challenge without a body */
  if (code) refuse_head(t, code);
  leave(t, result == CURLE_OK);
  t->on_progress(t);
}

void rl_transfer_bind(rl_slot *slot) {
  CURL *easy = slot->wire.easy;
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, slot);
  curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_connected);
  curl_easy_setopt(easy, CURLOPT_PREREQDATA, slot);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, slot);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, slot);
  curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload);
  curl_easy_setopt(easy, CURLOPT_READDATA, slot);
  curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, on_rewind);
  curl_easy_setopt(easy, CURLOPT_SEEKDATA, slot);
  slot->wire.on_done = on_done;
}

/* ---- bodies ------------------------------------------------------------------------------------------------------------------- */

/* May call on_body at once, with what curl held back. */
static void resume(rl_transfer *t, uint8_t direction) {
  if (!(t->paused & direction) || !t->slot) return;
  t->paused &= (uint8_t)~direction;
  touch(t);
  CURLcode result = curl_easy_pause(t->slot->wire.easy, t->paused);
  if (result) rl_transfer_fail(t, t->code ? t->code : RL_ERESET, "the transfer could not go on");
}

void rl_transfer_offer(rl_transfer *t, rl_slice bytes) {
  t->offers = true;
  t->offer = bytes;
  if (bytes.len) resume(t, CURLPAUSE_SEND);
}

void rl_transfer_offer_end(rl_transfer *t) {
  t->offers_ended = true;
  resume(t, CURLPAUSE_SEND);
}

static void forget_read(rl_transfer *t) {
  if (t->body_at < t->body.len) return;
  t->body.len = 0;
  t->body_at = 0;
}

static long decode(rl_transfer *t, char *out, size_t cap) {
  rl_slice in = rl_slice_of(t->body.data + t->body_at, t->body.len - t->body_at);
  size_t before = in.len;
  long n = rl_decoder_run(t->decoder, &in, out, cap);
  t->body_at += before - in.len;
  return n;
}

static long copy(rl_transfer *t, char *out, size_t cap) {
  size_t left = t->body.len - t->body_at, n = left < cap ? left : cap;
  if (n) memcpy(out, t->body.data + t->body_at, n);
  t->body_at += n;
  return (long)n;
}

static int check_read(rl_transfer *t, long n) {
  if (n == RL_ESYNTAX) note_failure(t, RL_EPROTOCOL, "the compressed body is malformed");
  else if (n == RL_ETOOBIG) note_failure(t, RL_ETOOBIG, "the compressed body becomes far larger than what was sent");
  else if (n < 0) note_failure(t, (int)n, NULL);
  if (n > 0) t->delivered += (uint64_t)n;
  if (t->body_limit && t->delivered > t->body_limit) note_failure(t, RL_ETOOBIG, "the body is larger than body_limit");
  if (n >= 0 && !(t->body_limit && t->delivered > t->body_limit)) return RL_OK;
  rl_transfer_stop(t);
  t->body_at = t->body.len;
  return t->code;
}

/* Nothing is left and nothing will come. */
static int check_end(rl_transfer *t) {
  if (t->state != RL_TRANSFER_ENDED || t->code) return t->code;
  if (t->decoder && !rl_decoder_is_complete(t->decoder))
    note_failure(t, RL_EPROTOCOL, "the compressed body ends too early");
  return t->code;
}

long rl_transfer_read(rl_transfer *t, char *out, size_t cap) {
  if (t->code && t->state == RL_TRANSFER_ENDED && !rl_transfer_has_bytes(t)) return t->code;
  long n = t->decoder ? decode(t, out, cap) : copy(t, out, cap);
  int code = check_read(t, n);
  if (code) return code;
  forget_read(t);
  t->high = HIGH_WHILE_READ;
  if (t->body.len - t->body_at < t->high / 2) resume(t, CURLPAUSE_RECV);
  return n || rl_transfer_has_bytes(t) ? n : check_end(t);
}

rl_slice rl_transfer_take_rest(rl_transfer *t) {
  size_t left = t->body.len - t->body_at;
  if (t->state != RL_TRANSFER_ENDED || t->code || t->decoder) return RL_SLICE_NONE;
  if (!left || (t->body_limit && t->delivered + left > t->body_limit)) return RL_SLICE_NONE;
  t->delivered += left;
  t->body_at = t->body.len;
  return rl_slice_of(t->body.data + t->body.len - left, left);
}

/* ---- life --------------------------------------------------------------------------------------------------------------------- */

void rl_transfer_init(rl_transfer *t, rl_pool *pool) {
  *t = (rl_transfer){.pool = rl_pool_ref(pool), .high = RL_LIMIT_CLIENT_UNREAD};
  rl_list_init(&t->node);
  rl_head_init(&t->head);
  rl_buf_init(&t->body, RL_BUF_NO_LIMIT);
}

/* FNV-1a over the origin: equal ones wait for each other. */
static uint64_t hash_of(const char *text) {
  uint64_t hash = 14695981039346656037u;
  for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 1099511628211u;
  return hash;
}

/* Only a guard and limit_per_host need to know where it goes before curl does. */
static int look_at_url(rl_transfer *t, const rl_exchange *exchange) {
  rl_location location;
  const char *why;
  t->allowed = exchange->route && exchange->route->unix_path;
  if (!rl_guard_is_on(&t->pool->guard) && !t->pool->limit_per_host) return RL_OK;
  int code = rl_location_parse(&location, exchange->url, NULL, &why);
  if (code) return code;
  t->origin = hash_of(location.origin);
  int verdict = rl_guard_host(&t->pool->guard, rl_slice_str(location.raw_host), location.port);
  rl_location_free(&location);
  if (verdict == RL_GUARD_PASSED) t->allowed = true;
  return verdict == RL_GUARD_REFUSED && !t->allowed ? RL_EDENIED : RL_OK;
}

static void note_exchange(rl_transfer *t, const rl_exchange *exchange) {
  t->connect_ms = exchange->connect_ms;
  t->read_ms = exchange->read_ms;
  t->body_limit = exchange->body_limit;
  t->decode = exchange->decode;
  t->idempotent = exchange->idempotent;
  t->is_head = strcmp(exchange->method, "HEAD") == 0;
  t->digest = exchange->route && exchange->route->user;
}

int rl_transfer_start(rl_transfer *t, const rl_exchange *exchange) {
  if (t->pool->closed) return RL_ECLOSED;
  int code = look_at_url(t, exchange);
  if (code) return code;
  note_exchange(t, exchange);
  rl_slot *slot = rl_slot_take(t->pool);
  if (!slot) return RL_ENOMEM;
  code = rl_slot_setup(slot, exchange);
  if (code) {
    rl_slot_give(slot, false);
    return code;
  }
  slot->transfer = t;
  t->slot = slot;
  t->state = RL_TRANSFER_WAITING;
  if (exchange->total_ms) rl_timer_start(loop_of(t), &t->total, exchange->total_ms, on_total);
  rl_pool_submit(t->pool, t);
  return RL_OK;
}

void rl_transfer_begin(rl_transfer *t) {
  t->state = RL_TRANSFER_CONNECTING;
  if (t->connect_ms) rl_timer_start(loop_of(t), &t->step, t->connect_ms, on_step);
  if (rl_engine_add(t->pool->engine, &t->slot->wire)) rl_transfer_fail(t, RL_ENOMEM, NULL);
}

void rl_transfer_free(rl_transfer *t) {
  rl_transfer_stop(t);
  rl_head_free(&t->head);
  rl_buf_free(&t->body);
  rl_decoder_del(t->decoder);
  rl_free(t->message);
  t->decoder = NULL;
  t->message = NULL;
  if (t->pool) rl_pool_unref(t->pool);
  t->pool = NULL;
}
