/*
 * A certificate with its chain and its key, checked: immutable, counted, for any thread.
 */
#ifndef RL_NET_TLS_PAIR_H
#define RL_NET_TLS_PAIR_H

#include "base/buf.h"

struct ssl_st;

typedef struct rl_tls_pair {
  unsigned refs; /* atomic */
  struct x509_st *certificate;
  struct stack_st_X509 *chain; /* without it; NULL: none */
  struct evp_pkey_st *key;
  char **names; /* that it is for, in lower case: "a.example", "*.a.example", addresses */
  size_t count;
  int64_t not_before, not_after; /* seconds since 1970 */
} rl_tls_pair;

/* Reads both from PEM. The files' names are for messages. Returns 0, RL_ENOMEM or RL_EINVALID, with one line in `why`. What is
 * only doubtful (expired, a chain that is out of order) is logged. */
int rl_tls_pair_read(rl_tls_pair **out, rl_slice certificate, rl_slice key, const char *certificate_file,
                     const char *key_file, rl_buf *why);
/* Makes one of DER, for one name. Returns 0, RL_ENOMEM or RL_EINVALID. */
int rl_tls_pair_of_der(rl_tls_pair **out, rl_slice name, rl_slice certificate, rl_slice key);
rl_tls_pair *rl_tls_pair_ref(rl_tls_pair *pair);
void rl_tls_pair_unref(rl_tls_pair *pair);

/* Gives it to a handshake. Returns 0, RL_ENOMEM or RL_EINVALID (OpenSSL says why in its queue). */
int rl_tls_pair_use(const rl_tls_pair *pair, struct ssl_st *ssl);

#endif
