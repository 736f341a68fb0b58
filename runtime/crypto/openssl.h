/*
 * OpenSSL 3, loaded when something first needs it: TLS on a listener or a link of the client, a key or a certificate that is made.
 * A server behind a proxy never loads it, which saves 2.5 ms at its start and 2 MB.
 *
 *   rl_openssl_load --> rl_openssl.SSL_new(context) …       nobody calls OpenSSL but through the table
 *
 * Its macros call functions by name, so they cannot be used where those are not linked: write what the macro stands for
 * (SSL_CTX_set_mode(c, m) is rl_openssl.SSL_CTX_ctrl(c, SSL_CTRL_MODE, m, NULL)).
 *
 * Errors are a queue for each thread. Whoever calls what can fail clears it before (ERR_clear_error), else an old error is
 * taken for a new one by SSL_get_error.
 *
 * Only net/tls/ and crypto/ include this file.
 */
#ifndef RL_CRYPTO_OPENSSL_H
#define RL_CRYPTO_OPENSSL_H

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

/* One a line, sorted. */
#define RL_OPENSSL_FUNCTIONS(X) \
  X(ERR_clear_error)            \
  X(ERR_error_string_n)         \
  X(ERR_get_error)              \
  X(ERR_peek_error)             \
  X(ERR_reason_error_string)    \
  X(OPENSSL_init_ssl)           \
  X(OpenSSL_version)

typedef struct rl_openssl_functions {
#define X(name) __typeof__(name) *name;
  RL_OPENSSL_FUNCTIONS(X)
#undef X
} rl_openssl_functions;

extern rl_openssl_functions rl_openssl;

/* Loads libssl and libcrypto. Returns 0, RL_ENOFILES or RL_EIO; then `*why` is a static line, which names the package if that is
 * missing. Any thread may call. */
int rl_openssl_load(const char **why);

#endif
