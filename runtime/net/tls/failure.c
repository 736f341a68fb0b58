/* How a stream with TLS fails; see failure.h. */
#include "net/tls/failure.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/log.h"
#include "crypto/openssl.h"

static void stop_reading(rl_tls *tls) {
  if (!tls->reading_below || tls->eof_below) return;
  tls->reading_below = false;
  rl_tls_below(tls)->ops->read_stop(rl_tls_below(tls));
}

static void say_why(rl_tls *tls, const char *words) {
  if (!tls->why) tls->why = rl_strndup(words, strlen(words));
  rl_logf(RL_LOG_DEBUG, "tls: %s", words);
}

void rl_tls_end(rl_tls *tls, int code, const char *words) {
  if (rl_tls_is_over(tls)) return;
  say_why(tls, words);
  tls->state = RL_TLS_FAILED;
  tls->code = code;
  if (tls->server) rl_turns_leave(rl_tls_server_turns(tls->server), &tls->turn);
  rl_timer_stop(tls->loop, &tls->clock);
  rl_buf_free(&tls->held);
  stop_reading(tls);
}

void rl_tls_fail(rl_tls *tls, int code, const char *words) {
  if (rl_tls_is_over(tls)) return;
  rl_tls_end(tls, code, words);
  tls->stream.events->on_error(&tls->stream, code);
}

/* First what a certificate was refused for, then OpenSSL's own words. */
static const char *reason(rl_tls *tls, char room[RL_TLS_VERDICT]) {
  unsigned long error = rl_openssl.ERR_peek_error();
  if (!tls->client || ERR_GET_REASON(error) != SSL_R_CERTIFICATE_VERIFY_FAILED) return rl_tls_reason(error);
  rl_tls_verdict(tls->ssl, tls->wire.name, room);
  return room;
}

const char *rl_tls_words(rl_tls *tls, int code, char room[RL_TLS_VERDICT]) {
  const char *words = code == RL_ETLS ? reason(tls, room) : rl_error_text(code);
  rl_openssl.ERR_clear_error();
  return words;
}

/* To look is cheaper than to clear. */
void rl_tls_clear_errors(void) {
  if (rl_openssl.ERR_peek_error()) rl_openssl.ERR_clear_error();
}

int rl_tls_outcome(rl_tls *tls, int returned) {
  switch (rl_openssl.SSL_get_error(tls->ssl, returned)) {
    case SSL_ERROR_WANT_READ: return RL_OK;
    case SSL_ERROR_WANT_WRITE: return RL_EAGAIN;
    case SSL_ERROR_ZERO_RETURN: return RL_EEOF;
    case SSL_ERROR_SYSCALL: return tls->wire.error ? tls->wire.error : RL_ERESET;
    default: return RL_ETLS;
  }
}
