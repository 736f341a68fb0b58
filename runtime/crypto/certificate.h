/*
 * Certificates (RFC 5280): requests for one, some that are made here, and what one says. All is DER; pem.h makes files of it.
 *
 *   rl_certificate_ask      a request (PKCS#10) for the authority that ACME talks to
 *   rl_certificate_make     for tests, development, and the challenge TLS-ALPN-01: signed by itself, or by an authority that was
 *                           made here
 *   rl_certificate_describe what a program has to know of one that it was given
 *
 * Keys are those of ec_key.h. Every function loads OpenSSL, may be called from any thread, and returns 0, RL_EINVALID (a name, a key
 * or a certificate that is none), RL_ENOMEM, or RL_EIO (OpenSSL is not there, or failed).
 */
#ifndef RL_CRYPTO_CERTIFICATE_H
#define RL_CRYPTO_CERTIFICATE_H

#include <stdint.h>

#include "base/buf.h"

enum { RL_CERTIFICATE_NAMES = 100, RL_CERTIFICATE_ID = 64, RL_CERTIFICATE_TEXT = 128 };

typedef struct rl_certificate_plan {
  const rl_slice
      *names; /* host names in ASCII, wildcards, or addresses of IPv4 and IPv6; at most RL_CERTIFICATE_NAMES */
  size_t count;
  const char *title; /* common name; NULL: the first name, if it fits (64 bytes) */
  int64_t from, to;  /* seconds since 1970 */
  bool is_authority; /* it may sign others, and is no certificate of a server */
  bool
      is_local; /* of an authority: it may sign servers on this machine only: localhost, names below it, 127.0.0.1, ::1 */
  bool is_client;  /* for clients instead of servers */
  rl_slice issuer; /* certificate of who signs, and its key; empty: the certificate signs itself */
  rl_slice issuer_key;
  const uint8_t *digest; /* 32 bytes: the critical extension acmeIdentifier (RFC 8737 section 3); NULL: none */
} rl_certificate_plan;

/* Appends a certificate for `key`. */
int rl_certificate_make(const rl_certificate_plan *plan, rl_slice key, rl_buf *der);
/* Appends a request for these names, signed by `key`. The subject is empty: an authority takes the names of the extension. */
int rl_certificate_ask(const rl_slice *names, size_t count, rl_slice key, rl_buf *der);

typedef struct rl_certificate_facts {
  rl_buf names;     /* of hosts and addresses, each ended by a NUL */
  int64_t from, to; /* seconds since 1970 */
  uint8_t serial
      [RL_CERTIFICATE_ID]; /* the contents of the INTEGER, so with a zero where the first bit is set (RFC 9773, 4.1) */
  size_t serial_len;
  uint8_t authority[RL_CERTIFICATE_ID]; /* key identifier of the issuer; 0 bytes if there is none */
  size_t authority_len;
  char issuer[RL_CERTIFICATE_TEXT], subject[RL_CERTIFICATE_TEXT]; /* common name, or organization, or "" */
} rl_certificate_facts;

/* Fills in `facts`, which rl_certificate_facts_free frees, after a failure too. */
int rl_certificate_describe(rl_slice der, rl_certificate_facts *facts);
void rl_certificate_facts_free(rl_certificate_facts *facts);
/* Returns true if the certificate is that of the key, which may be of any kind. */
bool rl_certificate_fits(rl_slice der, rl_slice key);
/* Returns true if the key of the other certificate has signed it. */
bool rl_certificate_is_issued_by(rl_slice der, rl_slice issuer);

#endif
