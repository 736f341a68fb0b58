/*
 * Passwords: argon2id (RFC 9106) at libsodium's INTERACTIVE strength, 64 MiB and two passes: about 80 ms of one core. Hashing
 * and verifying take that long, so they do not belong on a loop's thread (bind/core/crypto.c runs them as gated jobs).
 *
 * A hash is a PHC string ("$argon2id$v=19$m=65536,t=2,p=1$salt$hash"): it carries its own parameters, so that an older,
 * weaker hash can still be verified, and then replaced.
 */
#ifndef RL_CRYPTO_PASSWORD_H
#define RL_CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/slice.h"

enum { RL_PASSWORD_MOST = 1024, RL_PASSWORD_HASH = 128 }; /* bytes of a password; of a hash, with its NUL */

/* Returns true if it has 1 to 1024 bytes. Longer ones are refused before they cost anything. */
static inline bool rl_password_fits(rl_slice password) { return password.len >= 1 && password.len <= RL_PASSWORD_MOST; }

/* Hashes a password. Returns 0, RL_EINVALID if its length is not allowed, or RL_ENOMEM if the 64 MiB cannot be had. */
int rl_password_hash(rl_slice password, char out[RL_PASSWORD_HASH]);
/* Verifies a password. Returns 0, RL_EDENIED (another password, or no hash at all), or RL_ENOMEM. */
int rl_password_verify(rl_slice password, rl_slice hash);
/* Returns true if it was made with other parameters than ours now, or is no hash at all. Takes no time. */
bool rl_password_is_stale(rl_slice hash);

/* A hash of nobody's password. Verifying against it takes as long as against a real one, so that the time of an answer does
 * not tell if there is such a user. */
extern const rl_slice rl_password_of_nobody;

#endif
