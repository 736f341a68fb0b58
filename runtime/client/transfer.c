/* The rules that all carriers share; see transfer.h. */
#include "client/transfer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/location.h"
#include "http/status.h"

enum { HIGH_WHILE_READ = 4 * RL_LIMIT_CLIENT_UNREAD };

rl_loop *rl_transfer_loop(const rl_transfer *t) { return rl_engine_loop(t->pool->engine); }

/* ---- the end ---------------------------------------------------------------------------------------------------------- */

static void stop_timers(rl_transfer *t) {
  rl_timer_stop(rl_transfer_loop(t), &t->total);
  rl_timer_stop(rl_transfer_loop(t), &t->step);
}

/* Leaves its carrier and the pool, where the next one gets its turn. */
static void leave(rl_transfer *t, bool reusable) {
  t->state = RL_TRANSFER_ENDED;
  stop_timers(t);
  t->outgoing = RL_SLICE_NONE;
  t->carrier->leave(t, reusable);
  t->carrier_state = NULL;
  rl_pool_leave(t->pool, &t->ticket);
}

static bool is_under_way(const rl_transfer *t) { return t->state != RL_TRANSFER_NEW && t->state != RL_TRANSFER_ENDED; }

void rl_transfer_note(rl_transfer *t, int code, const char *message) {
  if (t->code) return; /* the first one is the cause */
  t->code = code;
  t->message = message ? rl_strndup(message, strlen(message)) : NULL;
}

void rl_transfer_end(rl_transfer *t, bool reusable) {
  if (!is_under_way(t)) return;
  leave(t, reusable);
  t->on_progress(t);
}

void rl_transfer_fail(rl_transfer *t, int code, const char *message) {
  rl_transfer_note(t, code, message);
  rl_transfer_end(t, false);
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

/* Bytes that wait for the peer keep the clock running even while reading is paused: the peer may be waiting for us to read.
 * That deadlock must time out. */
static bool holds_up(const rl_transfer *t) {
  return (t->paused & RL_PAUSED_SEND) || ((t->paused & RL_PAUSED_RECV) && !t->outgoing.len);
}

void rl_transfer_touch(rl_transfer *t) {
  if (t->read_ms && t->state == RL_TRANSFER_RUNNING && !holds_up(t))
    rl_timer_start(rl_transfer_loop(t), &t->step, t->read_ms, on_step);
}

void rl_transfer_pause(rl_transfer *t, unsigned direction) {
  t->paused |= (uint8_t)direction;
  if (holds_up(t)) rl_timer_stop(rl_transfer_loop(t), &t->step);
}

/* ---- what a carrier tells ---------------------------------------------------------------------------------------------- */

void rl_transfer_begin_connect(rl_transfer *t) {
  t->state = RL_TRANSFER_CONNECTING;
  t->paused = 0; /* on the connection before, which was dead */
  if (t->connect_ms) rl_timer_start(rl_transfer_loop(t), &t->step, t->connect_ms, on_step);
}

bool rl_transfer_begin_request(rl_transfer *t) {
  if (t->sendings >= t->most) return false;
  t->sendings++;
  rl_timer_stop(rl_transfer_loop(t), &t->step);
  t->state = RL_TRANSFER_RUNNING;
  rl_transfer_touch(t);
  return true;
}

bool rl_transfer_is_bodiless(const rl_transfer *t) { return t->is_head || rl_status_is_bodiless(t->head.status); }

static int make_decoder(rl_transfer *t) {
  rl_slice coding = rl_response_head_find(&t->head, RL_SLICE("content-encoding"));
  if (!t->decode || !coding.data || rl_transfer_is_bodiless(t)) return RL_OK;
  return rl_decoder_new(coding, &t->decoder);
}

static const char *describe(int code) {
  if (code == RL_ETOOBIG) return "the head of the response is larger than what is taken";
  if (code == RL_EUNSUPPORTED) return "the response has a content coding that was not asked for";
  return code == RL_EPROTOCOL ? "the head of the response is malformed" : NULL;
}

void rl_transfer_refuse_head(rl_transfer *t, int code) {
  rl_transfer_note(t, code == RL_EUNSUPPORTED ? RL_EPROTOCOL : code, describe(code));
}

int rl_transfer_take_head(rl_transfer *t) {
  int code = make_decoder(t);
  if (code) {
    rl_transfer_refuse_head(t, code);
    return code;
  }
  t->has_head = true;
  t->on_progress(t);
  return RL_OK;
}

/* Drops bytes that were read once they outnumber the others: else the buffer would grow as large as the body if the reader
 * never quite catches up. */
static void drop_read(rl_transfer *t) {
  if (t->body_at <= rl_transfer_unread(t)) return;
  rl_buf_consume(&t->body, t->body_at);
  t->body_at = 0;
}

int rl_transfer_take_body(rl_transfer *t, rl_slice bytes) {
  drop_read(t);
  int code = rl_buf_add_slice(&t->body, bytes);
  if (code) rl_transfer_note(t, code, NULL);
  else t->on_progress(t);
  return code;
}

void rl_transfer_note_sent(rl_transfer *t, size_t count) {
  rl_slice_skip(&t->outgoing, count);
  if (!t->outgoing.len) t->on_progress(t);
}

/* ---- bodies ------------------------------------------------------------------------------------------------------------------- */

static void resume(rl_transfer *t, uint8_t direction) {
  if (!(t->paused & direction) || t->state != RL_TRANSFER_RUNNING) return;
  t->paused &= (uint8_t)~direction;
  rl_transfer_touch(t);
  t->carrier->resume(t, direction);
}

void rl_transfer_send(rl_transfer *t, rl_slice bytes) {
  t->streams = true;
  t->outgoing = bytes;
  if (bytes.len) resume(t, RL_PAUSED_SEND);
}

void rl_transfer_send_end(rl_transfer *t) {
  t->outgoing_ended = true;
  resume(t, RL_PAUSED_SEND);
}

bool rl_transfer_wants_body(const rl_transfer *t) {
  bool refused = t->has_head && t->head.status >= 300;
  return t->state != RL_TRANSFER_ENDED && (!refused || t->keeps_sending);
}

void rl_transfer_stop_sending(rl_transfer *t) {
  t->outgoing = RL_SLICE_NONE;
  if (t->sending_stopped || t->state != RL_TRANSFER_RUNNING) return;
  t->sending_stopped = true;
  t->paused &= (uint8_t)~RL_PAUSED_SEND;
  rl_transfer_touch(t);
  t->carrier->resume(t, RL_PAUSED_SEND);
}

static long decode(rl_transfer *t, char *room, size_t cap, rl_slice *bytes) {
  rl_slice in = rl_slice_of(t->body.data + t->body_at, rl_transfer_unread(t));
  size_t before = in.len;
  long n = rl_decoder_run(t->decoder, &in, room, cap);
  t->body_at += before - in.len;
  *bytes = rl_slice_of(room, n > 0 ? (size_t)n : 0);
  return n;
}

static long take(rl_transfer *t, size_t cap, rl_slice *bytes) {
  size_t left = rl_transfer_unread(t), n = left < cap ? left : cap;
  *bytes = rl_slice_of(n ? t->body.data + t->body_at : NULL, n);
  t->body_at += n;
  return (long)n;
}

static int check_read(rl_transfer *t, long n) {
  if (n == RL_ESYNTAX) rl_transfer_note(t, RL_EPROTOCOL, "the compressed body is malformed");
  else if (n == RL_ETOOBIG)
    rl_transfer_note(t, RL_ETOOBIG, "the compressed body becomes far larger than what was sent");
  else if (n < 0) rl_transfer_note(t, (int)n, NULL);
  if (n > 0) t->delivered += (uint64_t)n;
  bool too_much = t->body_limit && t->delivered > t->body_limit;
  if (too_much) rl_transfer_note(t, RL_ETOOBIG, "the body is larger than body_limit");
  if (n >= 0 && !too_much) return RL_OK;
  rl_transfer_stop(t);
  t->body_at = t->body.len;
  return t->code;
}

/* Nothing is left and nothing will come. */
static int check_end(rl_transfer *t) {
  if (t->state != RL_TRANSFER_ENDED || t->code) return t->code;
  if (t->decoder && !rl_decoder_is_complete(t->decoder))
    rl_transfer_note(t, RL_EPROTOCOL, "the compressed body ends too early");
  return t->code;
}

long rl_transfer_read(rl_transfer *t, char *room, size_t cap, rl_slice *bytes) {
  *bytes = RL_SLICE_NONE;
  if (t->code && t->state == RL_TRANSFER_ENDED && !rl_transfer_has_bytes(t)) return t->code;
  long n = t->decoder ? decode(t, room, cap, bytes) : take(t, cap, bytes);
  int code = check_read(t, n);
  if (code) return code;
  if (n) return n;
  rl_transfer_read_on(t);
  return rl_transfer_has_bytes(t) ? 0 : check_end(t);
}

void rl_transfer_read_on(rl_transfer *t) {
  if (t->body_at == t->body.len) t->body.len = t->body_at = 0;
  t->high = HIGH_WHILE_READ;
  if (rl_transfer_unread(t) < t->high / 2) resume(t, RL_PAUSED_RECV);
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

/* The address policy and limit_per_host look at the location before a carrier does. */
static int check_location(rl_transfer *t, const rl_client_request *request) {
  const rl_location *to = request->location;
  const rl_address_policy *policy = &t->pool->policy;
  t->allowed = request->route && request->route->unix_path;
  if (t->pool->limit_per_host) t->ticket.origin = rl_location_origin_hash(to);
  if (!rl_address_policy_is_on(policy) || t->allowed) return RL_OK;
  int verdict = rl_address_policy_check_host(policy, to->host, to->port);
  t->allowed = verdict == RL_ADDRESS_ALLOWED;
  return verdict == RL_ADDRESS_REFUSED ? RL_EDENIED : RL_OK;
}

static void note_request(rl_transfer *t, const rl_client_request *request) {
  t->location = request->location;
  t->connect_ms = request->connect_ms;
  t->read_ms = request->read_ms;
  t->body_limit = request->body_limit;
  t->decode = request->decode;
  t->idempotent = request->idempotent;
  t->most = (uint8_t)(1 + request->idempotent);
  t->is_head = strcmp(request->method, "HEAD") == 0;
  t->upgrades = rl_header_find_name(request->headers, request->header_count, RL_SLICE("upgrade")) != NULL;
}

int rl_transfer_start(rl_transfer *t, const rl_carrier *carrier, const rl_client_request *request) {
  if (t->pool->closed) return RL_ECLOSED;
  int code = check_location(t, request);
  if (code) return code;
  note_request(t, request);
  code = carrier->prepare(t, request);
  if (code) return code;
  t->carrier = carrier;
  t->state = RL_TRANSFER_WAITING;
  if (request->total_ms) rl_timer_start(rl_transfer_loop(t), &t->total, request->total_ms, on_total);
  rl_pool_enter(t->pool, &t->ticket);
  return RL_OK;
}

static rl_transfer *transfer_of(rl_pool_ticket *ticket) { return (rl_transfer *)ticket; }

static void on_turn(rl_pool_ticket *ticket) {
  rl_transfer *t = transfer_of(ticket);
  rl_transfer_begin_connect(t);
  t->carrier->begin(t);
}

static void on_close(rl_pool_ticket *ticket) {
  rl_transfer_fail(transfer_of(ticket), RL_ECLOSED, "the client was closed");
}

void rl_transfer_init(rl_transfer *t, rl_pool *pool) {
  *t = (rl_transfer){.pool = rl_pool_ref(pool), .high = RL_LIMIT_CLIENT_UNREAD};
  t->ticket.on_turn = on_turn;
  t->ticket.on_close = on_close;
  rl_list_init(&t->ticket.node);
  rl_response_head_init(&t->head);
  rl_buf_init(&t->body, RL_BUF_NO_LIMIT);
}

void rl_transfer_free(rl_transfer *t) {
  rl_transfer_stop(t);
  rl_response_head_free(&t->head);
  rl_buf_free(&t->body);
  rl_decoder_del(t->decoder);
  rl_free(t->message);
  t->decoder = NULL;
  t->message = NULL;
  if (t->pool) rl_pool_unref(t->pool);
  t->pool = NULL;
}
