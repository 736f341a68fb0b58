/* A BIO over a stream; see wire.h. */
#include "net/tls/wire.h"

#include <pthread.h>

#include "base/error.h"
#include "base/limits.h"
#include "crypto/openssl.h"

static BIO_METHOD *method;

static int read_bytes(BIO *bio, char *to, size_t size, size_t *done) {
  rl_tls_wire *wire = rl_openssl.BIO_get_data(bio);
  rl_openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  if (!wire->in.len) {
    rl_openssl.BIO_set_flags(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
    return 0;
  }
  *done = size < wire->in.len ? size : wire->in.len;
  memcpy(to, wire->in.data, *done);
  rl_slice_skip(&wire->in, *done);
  return 1;
}

/* A stream that takes nothing any more swallows what is written, and `error` says so to whoever wrote: OpenSSL would give up reading
 * too, and what the peer said before it broke off (an early answer, then a reset) would be lost. */
static int write_bytes(BIO *bio, const char *bytes, size_t size, size_t *done) {
  rl_tls_wire *wire = rl_openssl.BIO_get_data(bio);
  rl_openssl.BIO_clear_flags(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  ssize_t n = wire->error ? wire->error : rl_stream_write(wire->below, rl_slice_of(bytes, size));
  if (n == RL_EAGAIN) {
    rl_openssl.BIO_set_flags(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
    return 0;
  }
  if (n < 0) wire->error = (int)n;
  *done = n < 0 ? size : (size_t)n;
  return 1;
}

/* Everything is written at once. To all else the answer is no, to the question for the kernel's TLS too. */
static long control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static int create(BIO *bio) {
  rl_openssl.BIO_set_init(bio, 1);
  return 1;
}

static void make_method(void) {
  BIO_METHOD *made = rl_openssl.BIO_meth_new(BIO_TYPE_SOURCE_SINK | 127, "rl_stream");
  if (!made) return;
  rl_openssl.BIO_meth_set_read_ex(made, read_bytes);
  rl_openssl.BIO_meth_set_write_ex(made, write_bytes);
  rl_openssl.BIO_meth_set_ctrl(made, control);
  rl_openssl.BIO_meth_set_create(made, create);
  method = made;
}

/* One for the process, made when it is first needed, and again if memory was short. */
static const BIO_METHOD *method_of_streams(void) {
  static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&lock);
  if (!method) make_method();
  pthread_mutex_unlock(&lock);
  return method;
}

bool rl_tls_wire_is_flooded(const rl_tls_wire *wire) { return wire->messages > RL_LIMIT_TLS_MESSAGES; }

/* OpenSSL tells each step of a handshake, and each alert, with which it refuses to begin another one. It reads such messages without
 * end; with nothing to read it comes back. */
static void on_step(const SSL *ssl, int where, int returned) {
  rl_tls_wire *wire = rl_openssl.SSL_get_ex_data(ssl, 0);
  (void)returned;
  if (!wire->open || !(where & (SSL_CB_LOOP | SSL_CB_ALERT))) return;
  uint64_t second = rl_loop_now(wire->loop) / 1000;
  if (second != wire->second) wire->second = second, wire->messages = 0;
  wire->messages++;
  if (rl_tls_wire_is_flooded(wire)) wire->in = RL_SLICE_NONE;
}

int rl_tls_wire_attach(rl_tls_wire *wire, struct ssl_st *ssl) {
  const BIO_METHOD *kind = method_of_streams();
  if (!kind || rl_openssl.SSL_set_ex_data(ssl, 0, wire) != 1) return RL_ENOMEM;
  BIO *bio = rl_openssl.BIO_new(kind);
  if (!bio) return RL_ENOMEM;
  rl_openssl.BIO_set_data(bio, wire);
  rl_openssl.SSL_set_bio(ssl, bio, bio);
  rl_openssl.SSL_set_info_callback(ssl, on_step);
  return RL_OK;
}
