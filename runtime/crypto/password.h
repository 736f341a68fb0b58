/*
 * Passwords: argon2id (RFC 9106) at libsodium's INTERACTIVE strength, 64 MiB and two passes: some 80 ms of one core. Every
 * call here takes that long, so none belongs on a loop's thread (bind/core/crypto.c runs them as gated jobs).
 *
 * A hash is a PHC string ("$argon2id$v=19$m=65536,t=2,p=1$salt$hash"): it carries its own parameters, so that what was
 * hashed by weaker ones can still be verified, and then hashed anew.
 */
#ifndef RL_CRYPTO_PASSWORD_H
#define RL_CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/slice.h"

enum { RL_PASSWORD_MOST = 1024, RL_PASSWORD_HASH = 128 }; /* bytes of a password; of a hash, with its NUL */

/* Whether it is worth hashing: 1 to 1024 bytes. Longer ones are refused before they cost anything. */
static inline bool rl_password_fits(rl_slice password) { return password.len >= 1 && password.len <= RL_PASSWORD_MOST; }

/* 0, RL_EINVALID where it does not fit, or RL_ENOMEM: the 64 MiB were not to be had. */
int rl_password_hash(rl_slice password, char out[RL_PASSWORD_HASH]);
/* 0, RL_EDENIED (another password, or no hash at all), or RL_ENOMEM. */
int rl_password_verify(rl_slice password, rl_slice hash);
/* Whether it was made with other parameters than we use now, or is no hash at all. Takes no time. */
bool rl_password_is_stale(rl_slice hash);

/* A hash of nobody's password: verifying against it takes as long as against a real one, so that the time an answer takes
 * does not tell whether there is such a user. */
extern const rl_slice rl_password_of_nobody;

#endif
