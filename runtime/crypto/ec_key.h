/*
 * Keys on the curve P-256: for certificates, and for the account with their authority. A key is the DER of PKCS#8 (RFC 5208), which
 * pem.h makes a file of; nothing here holds one.
 *
 * Every function loads OpenSSL (crypto/openssl.h), may be called from any thread, and returns 0, RL_EINVALID (no private key of
 * this curve), RL_ENOMEM, or RL_EIO (OpenSSL is not there, or failed).
 */
#ifndef RL_CRYPTO_EC_KEY_H
#define RL_CRYPTO_EC_KEY_H

#include <stdint.h>

#include "base/buf.h"

enum { RL_EC_KEY_POINT = 64, RL_EC_KEY_SIGNATURE = 64 };

/* Appends a new key. */
int rl_ec_key_new(rl_buf *key);
/* Writes its public point: x, then y, 32 bytes each (RFC 7518 section 6.2.1). */
int rl_ec_key_public(rl_slice key, uint8_t point[RL_EC_KEY_POINT]);
/* Signs as ES256 does (RFC 7518 section 3.4): r, then s, 32 bytes each. */
int rl_ec_key_sign(rl_slice key, rl_slice message, uint8_t signature[RL_EC_KEY_SIGNATURE]);

/* For crypto/: OpenSSL's handle of a key, freed by EVP_PKEY_free. Returns NULL if it is no private key of this curve. The library
 * has been loaded. */
struct evp_pkey_st *rl_ec_key_open(rl_slice key);

#endif
