/* Plain bytes become records; see output.h. */
#include "net/tls/output.h"

#include "base/error.h"
#include "crypto/openssl.h"
#include "net/tls/failure.h"

enum { RECORD_MOST = 16384 };

static size_t size_of(const struct iovec *parts, int count) {
  size_t size = 0;
  for (int i = 0; i < count; i++) size += parts[i].iov_len;
  return size;
}

/* Returns `size` bytes from `skip` on: where they are if they lie together, else copied to `piece`. */
static const char *gather(const struct iovec *parts, size_t skip, size_t size, char *piece) {
  size_t done = 0;
  for (; skip >= parts->iov_len; parts++) skip -= parts->iov_len;
  if (parts->iov_len - skip >= size) return (const char *)parts->iov_base + skip;
  for (; done < size; parts++, skip = 0) {
    size_t len = parts->iov_len - skip < size - done ? parts->iov_len - skip : size - done;
    if (len) memcpy(piece + done, (const char *)parts->iov_base + skip, len);
    done += len;
  }
  return piece;
}

/* Encrypts one record. Returns its size, RL_EAGAIN, or what it has failed with. */
static ssize_t write_record(rl_tls *tls, const char *bytes, size_t size) {
  char room[RL_TLS_VERDICT];
  size_t done = 0;
  rl_tls_clear_errors();
  int returned = rl_openssl.SSL_write_ex(tls->ssl, bytes, size, &done);
  tls->promised = 0;
  if (returned == 1) return tls->wire.error ? tls->wire.error : (ssize_t)done;
  int code = rl_tls_outcome(tls, returned);
  if (code == RL_EAGAIN) {
    tls->promised = size;
    return RL_EAGAIN;
  }
  if (!code || code == RL_EEOF) code = RL_EIO;
  rl_tls_end(tls, code, rl_tls_words(tls, code, room));
  return code;
}

ssize_t rl_tls_write(rl_tls *tls, const struct iovec *parts, int count) {
  char piece[RECORD_MOST];
  size_t size = size_of(parts, count), done = 0;
  ssize_t n = 0;
  if (tls->state != RL_TLS_OPEN) return tls->code ? tls->code : RL_EAGAIN;
  if (tls->wire.error) return tls->wire.error;
  if (tls->ended || tls->ending || tls->promised > size) return RL_EIO;
  for (; done < size && n >= 0; done += n > 0 ? (size_t)n : 0) {
    size_t record = size - done < RECORD_MOST ? size - done : RECORD_MOST;
    if (tls->promised) record = tls->promised;
    rl_tls_below(tls)->more = tls->stream.more || done + record < size;
    n = write_record(tls, gather(parts, done, record, piece), record);
  }
  rl_tls_below(tls)->more = false;
  rl_tls_buffers_touch(rl_tls_buffers_of(tls), &tls->buffered);
  return done ? (ssize_t)done : n;
}

void rl_tls_shutdown(rl_tls *tls) {
  int returned = 0;
  rl_openssl.ERR_clear_error();
  if (!tls->promised) returned = rl_openssl.SSL_shutdown(tls->ssl);
  tls->ending = returned < 0 && rl_tls_outcome(tls, returned) == RL_EAGAIN;
  rl_openssl.ERR_clear_error();
  tls->ended = !tls->ending;
  if (tls->ending) rl_tls_below(tls)->ops->want_writable(rl_tls_below(tls));
  else rl_tls_below(tls)->ops->shutdown(rl_tls_below(tls));
}

void rl_tls_goodbye(rl_tls *tls) {
  rl_openssl.ERR_clear_error();
  rl_openssl.SSL_shutdown(tls->ssl);
  rl_openssl.ERR_clear_error();
}
