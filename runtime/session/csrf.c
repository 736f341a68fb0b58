/* Making and checking form tokens; see csrf.h. */
#include "session/csrf.h"

#include "crypto/digest.h"

enum { HALF = RL_SHA256_SIZE };

static void compute(const rl_keyring *ring, unsigned index, const uint8_t id[RL_SESSION_ID], uint8_t out[HALF]) {
  uint8_t key[RL_KEY_SIZE];
  rl_keyring_subkey(ring, index, RL_SLICE("csrf"), key);
  rl_hmac_sha256(rl_slice_of((const char *)key, sizeof key), rl_slice_of((const char *)id, RL_SESSION_ID), out);
  rl_wipe(key, sizeof key);
}

int rl_csrf_token(const rl_keyring *ring, const uint8_t id[RL_SESSION_ID], rl_buf *out) {
  uint8_t token[2 * HALF];
  rl_random_bytes(token, HALF);
  compute(ring, 0, id, token + HALF);
  for (int i = 0; i < HALF; i++) token[HALF + i] ^= token[i];
  return rl_base64url_encode(out, rl_slice_of((const char *)token, sizeof token));
}

static bool matches(const rl_keyring *ring, const uint8_t id[RL_SESSION_ID], const uint8_t given[HALF]) {
  bool any = false;
  for (unsigned i = 0; i < ring->count; i++) {
    uint8_t expected[HALF];
    compute(ring, i, id, expected);
    any |= rl_equal_in_constant_time(rl_slice_of((const char *)expected, HALF), rl_slice_of((const char *)given, HALF));
  }
  return any;
}

bool rl_csrf_check(const rl_keyring *ring, const uint8_t id[RL_SESSION_ID], rl_slice token) {
  char room[4 * HALF];
  rl_buf bytes = {.data = room, .cap = sizeof room, .limit = sizeof room}; /* it never grows: needs no memory */
  if (token.len > 4 * HALF || rl_base64url_decode(&bytes, token) || bytes.len != 2 * HALF) return false;
  uint8_t *half = (uint8_t *)room;
  for (int i = 0; i < HALF; i++) half[i] ^= half[HALF + i];
  return matches(ring, id, half);
}
