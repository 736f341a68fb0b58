/* TLS over a stream; see tls.h and the contracts in net/stream.h. */
#include "net/tls/tls.h"

#include "base/alloc.h"
#include "base/ascii.h"
#include "base/error.h"
#include "crypto/openssl.h"
#include "net/tls/failure.h"
#include "net/tls/hello.h"
#include "net/tls/output.h"

enum { LAST_WORDS_MS = 2000 };

static rl_tls *tls_of(rl_stream *stream) { return (rl_tls *)stream; }
static rl_tls *above(rl_stream *below) { return below->owner; }

/* ---- reading below ---------------------------------------------------------------------------------------------------- */

static bool wants_records(const rl_tls *tls) {
  if (rl_tls_is_over(tls) || tls->eof_below || tls->blocked || tls->turn.waiting) return false;
  if (tls->state != RL_TLS_OPEN) return true;
  return tls->reading && !tls->eof && !tls->held.len;
}

static void watch(rl_tls *tls) {
  bool want = wants_records(tls);
  if (want == tls->reading_below || tls->closed || tls->eof_below) return;
  tls->reading_below = want;
  if (want) rl_tls_below(tls)->ops->read_start(rl_tls_below(tls));
  else rl_tls_below(tls)->ops->read_stop(rl_tls_below(tls));
}

static void leave_turns(rl_tls *tls) {
  if (tls->server) rl_turns_leave(rl_tls_server_turns(tls->server), &tls->turn);
}

static void wait_for_room(rl_tls *tls) {
  tls->blocked = true;
  rl_tls_below(tls)->ops->want_writable(rl_tls_below(tls));
}

/* ---- bytes that wait -------------------------------------------------------------------------------------------------- */

/* Keeps what OpenSSL has not read. */
static bool hold(rl_tls *tls, rl_slice bytes) {
  if (!bytes.len || !rl_buf_add_slice(&tls->held, bytes)) return true;
  rl_tls_fail(tls, RL_ENOMEM, rl_error_text(RL_ENOMEM));
  return false;
}

/* Returns true if there is something to decrypt or to tell without the stream below. */
static bool has_more(const rl_tls *tls) {
  return tls->held.len || (tls->eof && !tls->eof_told) || (tls->ssl && rl_openssl.SSL_pending(tls->ssl) > 0);
}

/* Returns true if what is held can be handled now. */
static bool may_take(const rl_tls *tls) {
  if (rl_tls_is_over(tls) || tls->blocked || tls->turn.waiting) return false;
  if (tls->state == RL_TLS_OPEN) return tls->reading;
  return tls->state == RL_TLS_SHAKING || !tls->server ||
         rl_tls_hello_look(rl_buf_slice(&tls->held)) != RL_TLS_HELLO_PART;
}

static void on_resume(rl_post *post);

static void resume_soon(rl_tls *tls) { rl_loop_post(tls->loop, &tls->resume, on_resume); }

/* ---- open: records become bytes --------------------------------------------------------------------------------------- */

static char *plain_of(rl_tls *tls) {
  return tls->server ? rl_tls_server_plain(tls->server) : rl_tls_client_plain(tls->client);
}

/* Decrypts all that has come into `plain`. Returns how many bytes, and what ended it in *code. One more call when all is read would only
 * make buffers in order to say so. */
static size_t decrypt(rl_tls *tls, char *plain, int *code) {
  size_t len = 0, n = 0;
  *code = RL_OK;
  rl_tls_clear_errors();
  do {
    int returned = rl_openssl.SSL_read_ex(tls->ssl, plain + len, RL_TLS_PLAIN - len, &n);
    if (returned != 1) {
      *code = rl_tls_outcome(tls, returned);
      break;
    }
    len += n;
  } while (tls->wire.in.len && len < RL_TLS_PLAIN);
  return len;
}

static void tell_eof(rl_tls *tls) {
  if (!tls->eof || tls->eof_told || !tls->reading || rl_tls_is_over(tls)) return;
  tls->eof_told = true;
  tls->stream.events->on_eof(&tls->stream);
}

/* What came after the last whole record of the stream below is cut off. */
static void tell_cut(rl_tls *tls) {
  if (tls->eof_below && !tls->eof && !tls->held.len)
    rl_tls_fail(tls, RL_ERESET, "the connection ended without close_notify: what came may have been cut off");
}

/* The words for a failure are taken at once: the owner may call OpenSSL before it hears of it. */
static void read_records(rl_tls *tls) {
  char room[RL_TLS_VERDICT];
  int code;
  char *plain = plain_of(tls);
  size_t len = decrypt(tls, plain, &code);
  rl_slice rest = tls->wire.in;
  tls->wire.in = RL_SLICE_NONE;
  rl_tls_buffers_touch(rl_tls_buffers_of(tls), &tls->buffered);
  if (code == RL_EEOF) tls->eof = true;
  else if (code == RL_EAGAIN) wait_for_room(tls);
  bool waits = code == RL_OK || code == RL_EAGAIN;
  bool failed = !waits && code != RL_EEOF;
  const char *words = failed ? rl_tls_words(tls, code, room) : "";
  if (waits && !hold(tls, rest)) return;
  if (len) tls->stream.events->on_data(&tls->stream, rl_slice_of(plain, len));
  if (rl_tls_wire_is_flooded(&tls->wire)) rl_tls_fail(tls, RL_ETLS, "too many messages of a handshake after it");
  if (failed) rl_tls_fail(tls, code, words);
  tell_eof(tls);
  if (has_more(tls) && may_take(tls)) resume_soon(tls);
  tell_cut(tls);
  watch(tls);
}

/* ---- the handshake ---------------------------------------------------------------------------------------------------- */

/* Without the dot of the root, as certificates are looked up. */
static bool keep_name(rl_tls *tls) {
  const char *name = rl_openssl.SSL_get_servername(tls->ssl, TLSEXT_NAMETYPE_host_name);
  if (tls->wire.name || !name) return true;
  size_t len = strlen(name);
  tls->wire.name = rl_strndup(name, len && name[len - 1] == '.' ? len - 1 : len);
  for (char *c = tls->wire.name; c && *c; c++) *c = rl_lower(*c);
  return tls->wire.name != NULL;
}

/* Says what was agreed on. */
static void fill_security(rl_tls *tls) {
  const unsigned char *protocol = NULL;
  unsigned len = 0;
  rl_openssl.SSL_get0_alpn_selected(tls->ssl, &protocol, &len);
  tls->security.protocol = rl_slice_of((const char *)protocol, len);
  tls->security.server_name = rl_slice_str(tls->wire.name);
  tls->security.certificate = tls->server ? rl_openssl.SSL_get0_peer_certificate(tls->ssl) : NULL;
  tls->stream.security = &tls->security;
}

static void tell_writable(rl_tls *tls) {
  if (!tls->wants_writable || rl_tls_is_over(tls)) return;
  tls->wants_writable = false;
  tls->stream.events->on_writable(&tls->stream);
}

/* A challenge was answered by the handshake itself; nothing may be asked on such a connection (RFC 8737 section 3). */
static bool was_challenge(const rl_tls *tls) {
  return tls->server && rl_slice_eq(tls->security.protocol, RL_SLICE("acme-tls/1"));
}

static void opened(rl_tls *tls) {
  rl_slice rest = tls->wire.in;
  tls->wire.in = RL_SLICE_NONE;
  leave_turns(tls);
  rl_timer_stop(tls->loop, &tls->clock);
  if (!keep_name(tls) || !hold(tls, rest)) {
    rl_tls_fail(tls, RL_ENOMEM, rl_error_text(RL_ENOMEM));
    return;
  }
  fill_security(tls);
  rl_tls_buffers_touch(rl_tls_buffers_of(tls), &tls->buffered);
  tls->state = RL_TLS_OPEN;
  tls->wire.open = true;
  if (was_challenge(tls)) rl_tls_fail(tls, RL_ERESET, "a challenge of ACME was answered");
  tell_writable(tls);
  if (!rl_tls_is_over(tls) && tls->held.len && tls->reading) resume_soon(tls);
  tell_cut(tls);
  watch(tls);
}

static void shake(rl_tls *tls) {
  char room[RL_TLS_VERDICT];
  rl_openssl.ERR_clear_error();
  int returned = rl_openssl.SSL_do_handshake(tls->ssl);
  if (returned == 1) {
    opened(tls);
    return;
  }
  int code = rl_tls_outcome(tls, returned);
  rl_slice rest = tls->wire.in;
  tls->wire.in = RL_SLICE_NONE;
  if (code == RL_EAGAIN) wait_for_room(tls);
  if (code == RL_OK || code == RL_EAGAIN) hold(tls, rest);
  else rl_tls_fail(tls, code == RL_EEOF ? RL_ERESET : code, rl_tls_words(tls, code, room));
  if (code == RL_OK) rl_openssl.SSL_free_buffers(tls->ssl); /* a peer may never go on */
  if (code == RL_OK && tls->eof_below) rl_tls_fail(tls, RL_ERESET, "the connection ended during the handshake");
  watch(tls);
}

static int begin(rl_tls *tls) {
  tls->ssl = tls->server ? rl_tls_server_begin(tls->server) : rl_tls_client_begin(tls->client, tls->wire.name);
  if (!tls->ssl || rl_tls_wire_attach(&tls->wire, tls->ssl)) return RL_ENOMEM;
  tls->buffered.ssl = tls->ssl;
  tls->state = RL_TLS_SHAKING;
  return RL_OK;
}

/* ---- clients that do not speak TLS ------------------------------------------------------------------------------------ */

static void on_last_words_over(rl_timer *timer) {
  rl_tls_fail(RL_CONTAINER(timer, rl_tls, clock), RL_ETLS, "plain HTTP came where TLS was expected");
}

/* Answers in the words that the client understands, then waits a moment for it to read them. */
static void refuse_plain(rl_tls *tls) {
  static const char answer[] =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 51\r\n"
      "Connection: close\r\n\r\nThis port speaks https. The request came as http.\r\n";
  rl_stream_write(rl_tls_below(tls), rl_slice_of(answer, sizeof answer - 1));
  rl_tls_below(tls)->ops->shutdown(rl_tls_below(tls));
  tls->ended = true;
  rl_timer_start(tls->loop, &tls->clock, LAST_WORDS_MS, on_last_words_over);
}

/* Returns true if the handshake may begin with these bytes. */
static bool has_hello(rl_tls *tls, rl_slice bytes) {
  if (tls->ended) return false; /* what comes after a plain request is dropped */
  rl_tls_hello what = rl_tls_hello_look(bytes);
  if (what == RL_TLS_HELLO_PART) hold(tls, bytes);
  else if (what == RL_TLS_HELLO_PLAIN) refuse_plain(tls);
  else if (what == RL_TLS_HELLO_BAD) rl_tls_fail(tls, RL_ETLS, "what came is no TLS");
  return what == RL_TLS_HELLO_WHOLE;
}

/* ---- what comes ------------------------------------------------------------------------------------------------------- */

static void step(rl_tls *tls) {
  if (tls->state == RL_TLS_WAITING && begin(tls)) rl_tls_fail(tls, RL_ENOMEM, rl_error_text(RL_ENOMEM));
  else shake(tls);
}

/* Handles bytes of the stream below, or those that were held. */
static void take(rl_tls *tls, rl_slice bytes) {
  if (rl_tls_is_over(tls)) return;
  if (tls->state == RL_TLS_WAITING && tls->server && !has_hello(tls, bytes)) return;
  tls->wire.in = bytes;
  if (tls->state == RL_TLS_OPEN) {
    read_records(tls);
  } else if (!tls->server) {
    step(tls);
  } else if (rl_turns_enter(rl_tls_server_turns(tls->server), &tls->turn)) {
    step(tls);
    rl_turns_done(rl_tls_server_turns(tls->server));
  } else {
    tls->wire.in = RL_SLICE_NONE;
    hold(tls, bytes);
  }
}

static void take_held(rl_tls *tls) {
  rl_buf bytes = tls->held;
  rl_buf_init(&tls->held, RL_BUF_NO_LIMIT);
  take(tls, rl_buf_slice(&bytes));
  rl_buf_free(&bytes);
}

static void on_resume(rl_post *post) {
  rl_tls *tls = RL_CONTAINER(post, rl_tls, resume);
  if (may_take(tls)) take_held(tls);
}

static void on_turn(rl_turn *turn) {
  rl_tls *tls = RL_CONTAINER(turn, rl_tls, turn);
  rl_buf bytes = tls->held;
  rl_buf_init(&tls->held, RL_BUF_NO_LIMIT);
  tls->wire.in = rl_buf_slice(&bytes);
  step(tls);
  rl_buf_free(&bytes);
}

static void on_give_up(rl_turn *turn) {
  rl_tls_fail(RL_CONTAINER(turn, rl_tls, turn), RL_ETIMEOUT,
              "the handshake was slow while others waited to begin theirs");
}

static void on_clock(rl_timer *timer) {
  rl_tls_fail(RL_CONTAINER(timer, rl_tls, clock), RL_ETIMEOUT, "the handshake took too long");
}

/* ---- events of the stream below --------------------------------------------------------------------------------------- */

static void on_data(rl_stream *stream, rl_slice bytes) {
  rl_tls *tls = above(stream);
  if (!tls->held.len && (tls->state != RL_TLS_OPEN || tls->reading)) take(tls, bytes);
  else if (!rl_tls_is_over(tls) && hold(tls, bytes) && may_take(tls)) take_held(tls);
  watch(tls);
}

static void on_eof(rl_stream *stream) {
  rl_tls *tls = above(stream);
  tls->eof_below = true;
  tls->reading_below = false;
  if (tls->state == RL_TLS_OPEN) tell_cut(tls);
  else
    rl_tls_fail(tls, RL_ERESET,
                tls->ended ? "plain HTTP came where TLS was expected" : "the connection ended during the handshake");
}

static void on_error(rl_stream *stream, int code) { rl_tls_fail(above(stream), code, rl_error_text(code)); }

static void on_writable(rl_stream *stream) {
  rl_tls *tls = above(stream);
  if (rl_tls_is_over(tls)) return;
  bool blocked = tls->blocked;
  tls->blocked = false;
  if (tls->state == RL_TLS_SHAKING) {
    take_held(tls);
    return;
  }
  if (tls->ending) rl_tls_shutdown(tls);
  if (blocked && !rl_tls_is_over(tls)) resume_soon(tls);
  if (tls->state == RL_TLS_OPEN && !tls->blocked) tell_writable(tls);
  watch(tls);
}

/* OpenSSL would forget the session of a connection that ended without goodbye, however good it was. */
static void free_ssl(rl_tls *tls) {
  if (!tls->ssl) return;
  rl_tls_buffers_drop(rl_tls_buffers_of(tls), &tls->buffered);
  if (tls->code != RL_ETLS) rl_openssl.SSL_set_shutdown(tls->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  rl_openssl.SSL_free(tls->ssl);
}

static void on_closed(rl_stream *stream) {
  rl_tls *tls = above(stream);
  free_ssl(tls);
  rl_free(tls->wire.name);
  rl_free(tls->why);
  rl_buf_free(&tls->held);
  if (tls->server) rl_tls_server_unref(tls->server);
  if (tls->client) rl_tls_client_unref(tls->client);
  tls->stream.events->on_closed(&tls->stream);
}

static const rl_stream_events events_below = {
    .on_data = on_data, .on_eof = on_eof, .on_error = on_error, .on_writable = on_writable, .on_closed = on_closed};

/* ---- the owner's calls ------------------------------------------------------------------------------------------------ */

static void read_start(rl_stream *stream) {
  rl_tls *tls = tls_of(stream);
  tls->reading = true;
  if (has_more(tls)) resume_soon(tls);
  watch(tls);
}

static void read_stop(rl_stream *stream) {
  tls_of(stream)->reading = false;
  watch(tls_of(stream));
}

static void want_writable(rl_stream *stream) {
  rl_tls *tls = tls_of(stream);
  tls->wants_writable = true;
  if (tls->state == RL_TLS_OPEN) rl_tls_below(tls)->ops->want_writable(rl_tls_below(tls));
}

static ssize_t write_parts(rl_stream *stream, const struct iovec *parts, int count) {
  return rl_tls_write(tls_of(stream), parts, count);
}

static ssize_t send_file(rl_stream *stream, int fd, int64_t *offset, size_t size) {
  (void)stream, (void)fd, (void)offset, (void)size;
  return RL_EUNSUPPORTED;
}

static void shut_down(rl_stream *stream) {
  rl_tls *tls = tls_of(stream);
  if (tls->ended || tls->ending || rl_tls_is_over(tls)) return;
  if (tls->state == RL_TLS_OPEN) {
    rl_tls_shutdown(tls);
    return;
  }
  tls->ended = true;
  rl_tls_below(tls)->ops->shutdown(rl_tls_below(tls));
}

static void close_stream(rl_stream *stream, bool reset) {
  rl_tls *tls = tls_of(stream);
  if (tls->closed) return;
  if (!reset && tls->state == RL_TLS_OPEN && !tls->ended && !tls->promised) rl_tls_goodbye(tls);
  tls->closed = true;
  leave_turns(tls);
  rl_timer_stop(tls->loop, &tls->clock);
  rl_loop_unpost(tls->loop, &tls->resume);
  rl_tls_below(tls)->ops->close(rl_tls_below(tls), reset);
}

static const rl_stream_ops tls_ops = {
    .read_start = read_start,
    .read_stop = read_stop,
    .write = write_parts,
    .send_file = send_file,
    .want_writable = want_writable,
    .shutdown = shut_down,
    .close = close_stream,
};

/* ---- life ------------------------------------------------------------------------------------------------------------- */

static void start(rl_tls *tls, rl_loop *loop, rl_stream *stream) {
  *tls = (rl_tls){.stream = {.ops = &tls_ops, .secure = true}, .loop = loop, .wire = {.below = stream, .loop = loop}};
  rl_post_init(&tls->resume);
  rl_buf_init(&tls->held, RL_BUF_NO_LIMIT);
  rl_list_init(&tls->turn.queue);
  rl_list_init(&tls->turn.age);
  stream->events = &events_below;
  stream->owner = tls;
}

void rl_tls_accept(rl_tls *tls, rl_loop *loop, rl_stream *stream, rl_tls_server *server) {
  start(tls, loop, stream);
  tls->server = rl_tls_server_ref(server);
  tls->turn.run = on_turn;
  tls->turn.give_up = on_give_up;
  rl_timer_start(loop, &tls->clock, rl_tls_server_handshake_ms(server), on_clock);
  watch(tls);
}

int rl_tls_connect(rl_tls *tls, rl_loop *loop, rl_stream *stream, rl_tls_client *client, rl_slice name) {
  char *copy = rl_strndup(name.data, name.len);
  if (!copy) return RL_ENOMEM;
  start(tls, loop, stream);
  tls->wire.name = copy;
  tls->client = rl_tls_client_ref(client);
  resume_soon(tls);
  return RL_OK;
}

bool rl_tls_agrees(const rl_security *security, rl_slice host) {
  const rl_tls *tls = RL_CONTAINER(security, rl_tls, security);
  return rl_tls_server_agrees(tls->server, security->server_name, host);
}

const char *rl_tls_why(const rl_tls *tls) { return tls->why ? tls->why : ""; }
