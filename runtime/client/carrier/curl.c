/* Transfers on easy handles of libcurl; see curl.h. */
#include "client/carrier/curl.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"
#include "base/limits.h"
#include "client/carrier/curl_error.h"
#include "client/carrier/curl_setup.h"

typedef struct by_curl {
  rl_cached_easy *cached;
  int64_t left;   /* of the answer's length; -1: not known */
  int64_t length; /* of the body that is sent; -1: not known, 0: none */
  unsigned interims;
  bool denied;    /* the address policy refused the last address */
  bool digest;    /* curl answers a digest challenge */
  bool rehearsed; /* a head was passed over, because curl sends the request again */
  bool drained;   /* curl has been told that the body is complete */
  bool stale;     /* the idle connection held bytes that nobody had asked for: nothing was sent on it */
} by_curl;

static by_curl *state_of(const rl_transfer *t) { return t->carrier_state; }
static rl_transfer *transfer_of(void *ud) { return ((rl_cached_easy *)ud)->owner; }

/* ---- what curl calls ------------------------------------------------------------------------------------------------------- */

static curl_socket_t on_open_socket(void *ud, curlsocktype purpose, struct curl_sockaddr *address) {
  (void)purpose;
  rl_transfer *t = transfer_of(ud);
  if (!t->allowed && !rl_address_policy_allows(&t->pool->policy, &address->addr)) {
    state_of(t)->denied = true;
    return CURL_SOCKET_BAD;
  }
  state_of(t)->denied = false;                 /* one of several addresses was, perhaps; this one is not */
  state_of(t)->cached->easy.connected = false; /* a second connection, where the first was dead */
  return rl_engine_socket(t->pool->engine, address);
}

/* A connection is there and the request is about to leave on it, a kept one perhaps. Sent again is what may be: once, where
 * it changes nothing (RFC 9110 section 9.2.2). A digest exchange sends twice in any case. */
static int on_connected(void *ud, char *address, char *local, int port, int local_port) {
  (void)local;
  rl_transfer *t = transfer_of(ud);
  if (!t->allowed && !rl_address_policy_allows_text(&t->pool->policy, address, port)) {
    state_of(t)->denied = true;
    return CURL_PREREQFUNC_ABORT;
  }
  state_of(t)->stale = !rl_engine_note_busy(t->pool->engine, &state_of(t)->cached->easy, local_port);
  return !state_of(t)->stale && rl_transfer_begin_request(t) ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
}

/* Before it knows how to answer a challenge, curl sends a request without its body, and again with it unless that failed. */
static bool is_rehearsal(const rl_transfer *t) {
  bool without_body = state_of(t)->length != 0 && t->head.status < 300;
  return state_of(t)->digest && !state_of(t)->rehearsed && (t->head.status == 401 || without_body);
}

/* Returns true if the head that is complete is the one to show: not 100 Continue, nor the challenge that curl will answer. Where curl
 * does not send again after all, what follows shows it (on_body, on_done). */
static bool is_final(rl_transfer *t) {
  if (t->head.status < 200 && t->head.status != 101) return false;
  if (!is_rehearsal(t)) return true;
  state_of(t)->rehearsed = true;
  return false;
}

static int refuse(rl_transfer *t, const char *why) {
  if (why) rl_transfer_note(t, RL_EPROTOCOL, why);
  return why ? RL_EPROTOCOL : RL_OK;
}

/* curl is not as strict here, and keeps a connection of HTTP/1.0 on which chunks have come. */
static int check_framing(rl_transfer *t) {
  bool chunked;
  const char *why = rl_response_head_framing(&t->head, &chunked, &state_of(t)->left);
  if (rl_transfer_is_bodiless(t)) state_of(t)->left = 0;
  if (chunked && strcmp(t->head.version, "1.0") == 0) {
    state_of(t)->cached->plain = false; /* not for another request */
    RL_CURL_SET(state_of(t)->cached->easy.curl, CURLOPT_FORBID_REUSE, 1L);
  }
  return refuse(t, why);
}

static int count_interims(rl_transfer *t) {
  bool too_many = t->head.status < 200 && ++state_of(t)->interims > RL_LIMIT_INTERIMS;
  return refuse(t, too_many ? "interim responses without end" : NULL);
}

static bool is_answered(const rl_transfer *t) { return t->has_head && state_of(t)->left == 0; }

static bool is_sending(const rl_transfer *t) {
  curl_off_t sent = 0;
  if (state_of(t)->length < 0) return !state_of(t)->drained;
  rl_curl.easy_getinfo(state_of(t)->cached->easy.curl, CURLINFO_SIZE_UPLOAD_T, &sent);
  return sent < state_of(t)->length;
}

/* A head that comes before all is sent. In HTTP/1.1 curl stops sending where it is a refusal, and reads the answer. In HTTP/2 it
 * would end the stream as if the body were whole: there it is told to go on, and the server says when to stop. */
static int begin_head(rl_transfer *t, rl_slice line) {
  int code = rl_response_head_begin(&t->head, line);
  if (code || !is_sending(t)) return code;
  t->keeps_sending = t->head.version[0] == '2';
  RL_CURL_SET(state_of(t)->cached->easy.curl, CURLOPT_KEEP_SENDING_ON_ERROR, (long)t->keeps_sending);
  if (t->keeps_sending) rl_engine_note_early(t->pool->engine, &state_of(t)->cached->easy);
  return RL_OK;
}

static int take_line(rl_transfer *t, rl_slice line) {
  if (t->has_head || (t->head.complete && !rl_response_head_is_status_line(line))) return RL_OK; /* a trailer */
  int code = rl_response_head_is_status_line(line) ? begin_head(t, line) : rl_response_head_add(&t->head, line);
  if (code) rl_transfer_refuse_head(t, code);
  if (code || !t->head.complete) return code;
  code = refuse(t, rl_response_head_switches(&t->head, t->upgrades));
  if (code || !is_final(t)) return code ? code : count_interims(t);
  code = check_framing(t);
  return code ? code : rl_transfer_take_head(t);
}

/* The whole answer is there, and curl would go on sending to who does not listen, or waiting for what follows a 101: it is
 * made to stop (on_done). */
static bool is_through(const rl_transfer *t) { return is_answered(t) && (is_sending(t) || t->head.status == 101); }

static size_t on_header(char *data, size_t size, size_t count, void *ud) {
  rl_transfer *t = transfer_of(ud);
  rl_transfer_touch(t);
  return take_line(t, rl_slice_of(data, size * count)) || is_through(t) ? 0 : size * count;
}

static size_t on_body(char *data, size_t size, size_t count, void *ud) {
  rl_transfer *t = transfer_of(ud);
  if (rl_transfer_unread(t) >= t->high) {
    rl_transfer_pause(t, RL_PAUSED_RECV);
    return CURL_WRITEFUNC_PAUSE;
  }
  rl_transfer_touch(t);
  int code = t->has_head ? RL_OK : rl_transfer_take_head(t); /* a digest challenge that curl does not answer */
  if (!code) code = rl_transfer_take_body(t, rl_slice_of(data, size * count));
  if (state_of(t)->left > 0) state_of(t)->left -= (int64_t)(size * count);
  return code || is_through(t) ? 0 : size * count;
}

static size_t on_upload(char *out, size_t size, size_t count, void *ud) {
  rl_transfer *t = transfer_of(ud);
  size_t room = size * count, n = t->outgoing.len < room ? t->outgoing.len : room;
  state_of(t)->drained = !n && (t->outgoing_ended || t->sending_stopped); /* in HTTP/1 curl does not ask after a cut */
  if (state_of(t)->drained) return 0;
  if (!n) {
    rl_transfer_pause(t, RL_PAUSED_SEND);
    return CURL_READFUNC_PAUSE;
  }
  memcpy(out, t->outgoing.data, n);
  rl_transfer_touch(t);
  rl_transfer_note_sent(t, n);
  return n;
}

/* A streamed body is gone once it was sent: a request that curl would have to send again from its beginning fails. */
static int on_rewind(void *ud, curl_off_t offset, int origin) {
  rl_transfer *t = transfer_of(ud);
  (void)offset, (void)origin;
  return t->streams ? CURL_SEEKFUNC_FAIL : CURL_SEEKFUNC_OK;
}

/* ---- what curl says of its end ------------------------------------------------------------------------------------------- */

/* RFC 9113 section 8.1: after a whole answer a server may reset the stream without an error, and so asks not to be
 * sent the rest. curl raises that without a word, all other resets with one. */
static bool is_asked_to_stop(const rl_transfer *t, CURLcode result) {
  return result == CURLE_HTTP2_STREAM && t->has_head && state_of(t)->left <= 0 && !state_of(t)->cached->error[0];
}

/* A head of more than curl takes. */
static bool is_head_too_large(const rl_transfer *t, CURLcode result) {
  bool refused = result == CURLE_OUT_OF_MEMORY || strstr(state_of(t)->cached->error, "Too large response headers");
  return refused && t->head.status && !t->has_head;
}

static bool is_broken(CURLcode result) {
  return result == CURLE_SEND_ERROR || result == CURLE_RECV_ERROR || result == CURLE_PARTIAL_FILE ||
         result == CURLE_GOT_NOTHING || result == CURLE_HTTP2;
}

/* On a kept connection that was stale nothing was sent. On one that turns out to be dead what may be sent twice was; curl
 * sees to that in HTTP/1.1, in HTTP/2 it does not (RFC 9110 section 9.2.2). */
static bool may_go_again(const rl_transfer *t, CURLcode result) {
  long dialled = 1;
  if (t->code || state_of(t)->denied) return false;
  if (state_of(t)->stale) return true;
  rl_curl.easy_getinfo(state_of(t)->cached->easy.curl, CURLINFO_NUM_CONNECTS, &dialled);
  return is_broken(result) && !dialled && !t->head.status && !t->streams && t->sendings < t->most;
}

static void begin(rl_transfer *t);

static void go_again(rl_transfer *t) {
  state_of(t)->stale = false;
  state_of(t)->cached->plain = false; /* not for another request */
  RL_CURL_SET(state_of(t)->cached->easy.curl, CURLOPT_FRESH_CONNECT, 1L);
  rl_transfer_begin_connect(t);
  begin(t);
}

static void on_done(rl_easy *easy, CURLcode result) {
  rl_cached_easy *cached = (rl_cached_easy *)easy;
  rl_transfer *t = transfer_of(cached);
  char text[RL_CURL_ERROR_TEXT];
  if (result && may_go_again(t, result)) {
    go_again(t);
    return;
  }
  if (is_head_too_large(t, result)) rl_transfer_refuse_head(t, RL_ETOOBIG);
  bool failed = result && !is_answered(t) && !is_asked_to_stop(t, result); /* after the whole answer nothing matters */
  if (failed && !t->code) {
    int code = rl_curl_error_of(easy->curl, result, cached->error, state_of(t)->denied, text);
    rl_transfer_note(t, code, text);
    if (code == RL_ETIMEOUT) t->phase = RL_PHASE_CONNECT;
  }
  if (!result && !t->has_head) rl_transfer_take_head(t); /* a digest challenge without a body */
  rl_transfer_end(t, result == CURLE_OK);
}

static void bind_easy(rl_cached_easy *cached) {
  CURL *easy = cached->easy.curl;
  RL_CURL_SET(easy, CURLOPT_OPENSOCKETFUNCTION, on_open_socket);
  RL_CURL_SET(easy, CURLOPT_OPENSOCKETDATA, cached);
  RL_CURL_SET(easy, CURLOPT_PREREQFUNCTION, on_connected);
  RL_CURL_SET(easy, CURLOPT_PREREQDATA, cached);
  RL_CURL_SET(easy, CURLOPT_HEADERFUNCTION, on_header);
  RL_CURL_SET(easy, CURLOPT_HEADERDATA, cached);
  RL_CURL_SET(easy, CURLOPT_WRITEFUNCTION, on_body);
  RL_CURL_SET(easy, CURLOPT_WRITEDATA, cached);
  RL_CURL_SET(easy, CURLOPT_READFUNCTION, on_upload);
  RL_CURL_SET(easy, CURLOPT_READDATA, cached);
  RL_CURL_SET(easy, CURLOPT_SEEKFUNCTION, on_rewind);
  RL_CURL_SET(easy, CURLOPT_SEEKDATA, cached);
  cached->easy.on_done = on_done;
}

/* ---- what the transfer calls ----------------------------------------------------------------------------------------------- */

static rl_cached_easy *take_easy(rl_pool *pool) {
  rl_cached_easy *cached = rl_easy_cache_take(&pool->easies);
  if (!cached || cached->prepared) return cached;
  bind_easy(cached);
  rl_cached_easy_prepare(cached);
  cached->prepared = true;
  return cached;
}

static int64_t length_of(const rl_client_request *r) {
  return r->streamed ? r->length : r->has_body ? (int64_t)r->body.len : 0;
}

static int set_up(rl_transfer *t, const rl_client_request *r) {
  by_curl *c = state_of(t);
  const char *why = NULL;
  int code = rl_engine_open(t->pool->engine, &why);
  if (code) return rl_transfer_note(t, code, why), code;
  c->cached = take_easy(t->pool);
  if (!c->cached) return RL_ENOMEM;
  c->cached->owner = t;
  c->left = -1;
  c->length = length_of(r);
  c->digest = r->route && r->route->user;
  if (c->digest) t->most++;
  code = rl_cached_easy_setup(c->cached, r);
  if (code) rl_easy_cache_give(&t->pool->easies, c->cached, false);
  return code;
}

static int prepare(rl_transfer *t, const rl_client_request *request) {
  t->carrier_state = rl_calloc(1, sizeof(by_curl));
  int code = t->carrier_state ? set_up(t, request) : RL_ENOMEM;
  if (!code) return RL_OK;
  rl_free(t->carrier_state);
  t->carrier_state = NULL;
  return code;
}

static void begin(rl_transfer *t) {
  if (rl_engine_add(t->pool->engine, &state_of(t)->cached->easy)) rl_transfer_fail(t, RL_ENOMEM, NULL);
}

/* May call on_body at once, with what curl held back. */
static void resume(rl_transfer *t, unsigned direction) {
  (void)direction;
  CURLcode result = rl_curl.easy_pause(state_of(t)->cached->easy.curl, t->paused);
  if (result && !t->code && is_answered(t)) rl_transfer_end(t, false); /* on_body has found it through */
  else if (result) rl_transfer_fail(t, t->code ? t->code : RL_ERESET, "the transfer could not go on");
}

static void leave(rl_transfer *t, bool reusable) {
  by_curl *c = state_of(t);
  rl_engine_remove(t->pool->engine, &c->cached->easy);
  rl_easy_cache_give(&t->pool->easies, c->cached, reusable);
  rl_free(c);
}

const rl_carrier rl_carrier_curl = {.prepare = prepare, .begin = begin, .resume = resume, .leave = leave};
