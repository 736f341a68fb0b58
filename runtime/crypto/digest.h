/*
 * Randomness, digests, comparison in constant time, and text for bytes: the small tools of libsodium under our names.
 * Pure but for randomness; safe on any thread once rl_crypto_init has run.
 */
#ifndef RL_CRYPTO_DIGEST_H
#define RL_CRYPTO_DIGEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum { RL_SHA256_SIZE = 32, RL_SHA256_HEX = 64, RL_HASH_SIZE = 32 };

/* Call before threads start; a second call does nothing. Returns false if libsodium refuses to work here. */
bool rl_crypto_init(void);
/* Returns 32 random bytes, the same for the life of the process: the secret of a program in development that has none. */
rl_slice rl_process_secret(void);

/* Fills with bytes of the system's generator; does not fail. */
void rl_random_bytes(void *out, size_t size);

/* Writes lower-case hex, without a NUL. */
void rl_sha256_hex(rl_slice s, char out[RL_SHA256_HEX]);
void rl_hmac_sha256(rl_slice key, rl_slice s, uint8_t out[RL_SHA256_SIZE]);
void rl_hmac_sha256_hex(rl_slice key, rl_slice s, char out[RL_SHA256_HEX]);
/* Writes BLAKE2b-256 of s; `domain` (at most 64 bytes, may be empty) keeps hashes for different purposes apart. */
void rl_hash(rl_slice domain, rl_slice s, uint8_t out[RL_HASH_SIZE]);

/* Returns true if a and b are the same bytes, in a time that depends on their lengths only. */
bool rl_equal_in_constant_time(rl_slice a, rl_slice b);
/* Overwrites memory that held a secret; the compiler does not drop it. */
void rl_wipe(void *block, size_t size);

/* Appends url-safe base64 without padding (RFC 4648 section 5). Returns 0 or the buffer's error. */
int rl_base64url_encode(rl_buf *out, rl_slice s);
/* Appends the decoded bytes of `text`. Returns 0, RL_ESYNTAX (another alphabet, padding, or bits after the last byte: each
 * value has one text), or the buffer's error. */
int rl_base64url_decode(rl_buf *out, rl_slice text);

#endif
