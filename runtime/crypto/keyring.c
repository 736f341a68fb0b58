/* From secrets to keys; see keyring.h. */
#include "crypto/keyring.h"

#include <sodium.h>

#include "base/error.h"
#include "crypto/digest.h"

_Static_assert(RL_KEY_SIZE == crypto_kdf_KEYBYTES, "a master key is what crypto_kdf takes");

static void derive(const uint8_t master[RL_KEY_SIZE], const char context[crypto_kdf_CONTEXTBYTES], rl_slice purpose,
                   uint8_t out[RL_KEY_SIZE]) {
  uint8_t hash[RL_HASH_SIZE];
  uint64_t number;
  rl_hash(RL_SLICE_NONE, purpose, hash);
  memcpy(&number, hash, sizeof number);
  crypto_kdf_derive_from_key(out, RL_KEY_SIZE, number, context, master);
}

void rl_keyring_subkey(const rl_keyring *ring, unsigned index, rl_slice purpose, uint8_t out[RL_KEY_SIZE]) {
  derive(ring->keys[index].master, "purpose", purpose, out);
}

int rl_keyring_add(rl_keyring *ring, rl_slice secret) {
  uint8_t id[RL_KEY_SIZE];
  if (ring->count == RL_KEYRING_MOST) return RL_ETOOBIG;
  rl_key *key = &ring->keys[ring->count++];
  if (secret.len == RL_KEY_SIZE) memcpy(key->master, secret.data, RL_KEY_SIZE);
  else rl_hash(RL_SLICE_NONE, secret, key->master);
  derive(key->master, "key id ", RL_SLICE_NONE, id);
  key->id = id[0];
  return RL_OK;
}

void rl_keyring_free(rl_keyring *ring) { rl_wipe(ring, sizeof *ring); }
