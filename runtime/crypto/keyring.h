/*
 * A key ring: the secrets of a program, newest first. The first one seals, all of them open. So a secret can be
 * replaced without logging anybody out: put the new one first, and drop the old one when nothing sealed by it is left.
 *
 *   secret (32 bytes: taken as it is; any other length: BLAKE2b-256 of it) = master key
 *        master --crypto_kdf(purpose)--> one subkey for each purpose; the master itself encrypts nothing
 *        master --crypto_kdf(id)-------> one byte that is written beside what it sealed
 *
 * The id is a hint, not a secret: two keys of a ring may share it, then both are tried.
 */
#ifndef RL_CRYPTO_KEYRING_H
#define RL_CRYPTO_KEYRING_H

#include <stdint.h>

#include "base/slice.h"

enum { RL_KEY_SIZE = 32, RL_KEYRING_MOST = 8, RL_SECRET_LEAST = 32 };

typedef struct rl_key {
  uint8_t id;
  uint8_t master[RL_KEY_SIZE];
} rl_key;

typedef struct rl_keyring {
  unsigned count;
  rl_key keys[RL_KEYRING_MOST];
} rl_keyring;

static inline void rl_keyring_init(rl_keyring *ring) { ring->count = 0; }
/* Appends an older key. The secret is borrowed until return; the caller checks its length. Returns 0, or RL_ETOOBIG if the
 * ring is full. */
int rl_keyring_add(rl_keyring *ring, rl_slice secret);
/* Overwrites the keys. */
void rl_keyring_free(rl_keyring *ring);

/* Derives the key of that purpose from the key at `index` (below count). The caller wipes it. */
void rl_keyring_subkey(const rl_keyring *ring, unsigned index, rl_slice purpose, uint8_t out[RL_KEY_SIZE]);

#endif
